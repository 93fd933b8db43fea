"""Doctors and their patients: who is in whose care, and which findings wait for a review."""
