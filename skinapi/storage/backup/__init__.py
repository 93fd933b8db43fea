"""A backup of a whole store in one file, and its restore."""
