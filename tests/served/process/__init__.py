"""A server's start, stop, limits, memory and logs."""
