"""The doctors' lists: patients in care, and their findings that wait for a review."""
