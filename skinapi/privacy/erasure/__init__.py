"""Closing an account, its erasure, and the receipt that proves it.

Begin with `service.py`.
"""
