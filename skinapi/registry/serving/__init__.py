"""The model in the memory of this process: loaded, bounded, and a candidate beside it."""
