"""A finding in words: the four sections that every answer carries."""
