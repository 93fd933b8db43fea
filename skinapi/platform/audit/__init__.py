"""The audit trail: who did what to which account, in a hash chain."""

from skinapi.platform.audit.trail import AuditTrail

__all__ = ["AuditTrail"]
