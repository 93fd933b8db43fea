"""Stored findings: submissions, their numbers, and their places in the doctors' lists."""
