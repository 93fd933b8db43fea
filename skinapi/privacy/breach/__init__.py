"""Whose data a key, an account or a time span touched, as the audit trail says it."""
