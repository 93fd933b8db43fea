"""The audit trail: who did what to which account, in a hash chain.

Begin with `trail.py`.

Other packages import `trail`.
"""
