"""Doors for other systems: keys for programs, OpenID Connect, webhooks, the audit trail."""
