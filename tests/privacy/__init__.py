"""Consents, the file of a person, erasure, retention, the register, breaches, break-glass."""
