"""Compares two photos of one spot.

Begin with `comparison.py`.

Other packages import `alignment`, `comparison`, `outline`.
"""
