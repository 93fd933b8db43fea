"""A message broker that wakes job workers on many machines.

Begin with `announcing.py`, which opens `dramatiq_broker.py`.
"""
