"""Findings and photos kept: whose they are, who may see them, and how they are forgotten."""
