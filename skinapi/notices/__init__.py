"""Notices by mail: what waits, what it says, and who sends it."""
