"""Accounts and authentication: registration, login, sessions, tokens and access control."""
