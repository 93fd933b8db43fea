"""Users, their log-ins, and what admins decide about them.

Begin with `auth/account.py`: the account, and the caller of a use case. `auth/service.py` logs in.
"""
