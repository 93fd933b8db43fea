"""Retention: what is deleted by age, and whose data is exempt.

Begin with `service.py`; the exemptions are in `exemption.py`.
"""
