"""Data sets and their pictures as they are stored, and which of them a model knows."""
