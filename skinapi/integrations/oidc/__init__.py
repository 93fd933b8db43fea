"""The clinic's accounts: log-in at a provider of OpenID Connect.

Begin with `service.py`; whom it lets in: `people.py`.
"""
