"""Storage, web, jobs, notices and the audit trail: what use cases are built on.

Begin with `storage/ports.py` and `web/declaration.py`.

Other packages import `area`.
"""
