"""Administration: what admins do with accounts and doctors, and reading the audit trail.

Begin with `decisions.py`: who may use the server, and in whose care.

Other packages import `decisions`, `usage`.
"""
