"""Adapters for existing published clients: each translates between the client's API and findings.

No medical decision is made here. To add one, see "Where to change what" in docs/architecture.md.
"""
