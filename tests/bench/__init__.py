"""Benchmarks: `python -m tests.bench [FILE]`."""
