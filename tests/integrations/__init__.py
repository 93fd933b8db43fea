"""Keys, OpenID Connect, webhooks, the audit trail for other systems."""
