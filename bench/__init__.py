"""Benchmarks: `python -m bench [FILE]`."""
