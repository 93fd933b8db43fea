"""A message broker that wakes job workers on many machines."""
