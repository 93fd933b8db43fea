"""Storage, web, jobs, notices and the audit trail."""
