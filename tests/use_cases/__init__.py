"""The use cases that write, one module for each part, and what stops each at its commands."""
