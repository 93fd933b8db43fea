"""Doctors' reviews: what they say, which one counts, and what that decides."""
