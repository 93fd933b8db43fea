"""Adapters for existing published clients: each translates between the client's API and findings.

No medical decision is made here.
"""
