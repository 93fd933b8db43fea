"""Retention: what goes by itself after its time, what of it goes when, and who stops that."""
