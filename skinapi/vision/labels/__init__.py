"""The words by which data sets name conditions, and their tables."""
