"""Administration: what admins do with accounts and doctors, and reading the audit trail."""
