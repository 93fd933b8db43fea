"""Backups, and what was erased since."""
