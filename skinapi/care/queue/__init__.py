"""A doctor's lists: patients in care, their findings, and the queue of all."""
