"""The admins' desk: approving, promoting, suspending and deleting accounts, doctors, the audit."""
