"""What the backend costs: `python -m tests.bench [FILE]`."""
