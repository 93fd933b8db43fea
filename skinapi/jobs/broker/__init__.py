"""A message broker that wakes idle workers."""
