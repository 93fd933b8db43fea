"""What runs jobs: the worker, its lanes, an attempt, and what is read from its process."""
