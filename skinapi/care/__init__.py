"""A doctor's patients and their findings."""
