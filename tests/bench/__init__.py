"""What the house costs: `python -m tests.bench [FILE]`."""
