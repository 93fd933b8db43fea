"""Degraded pictures, painted markings, and heat maps."""
