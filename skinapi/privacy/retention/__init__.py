"""Retention: what goes by itself after its time, what of it goes when, and who stops that.

Begin with `service.py`; of whom nothing goes: `exemption.py`.
"""
