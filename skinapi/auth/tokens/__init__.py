"""Tokens and sessions: who is signed in, and what the caller may do."""
