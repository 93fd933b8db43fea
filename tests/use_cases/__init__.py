"""The use cases that write, for tests/test_all_or_nothing.py: one module for each part."""
