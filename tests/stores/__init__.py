"""Stores for tests, what is written into them and what is asked of them."""
