"""Weights of a network: where they begin, how they are stored, fused and rounded."""
