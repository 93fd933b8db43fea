"""Consents, the file of a person, erasure, retention."""
