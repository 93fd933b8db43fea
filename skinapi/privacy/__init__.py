"""What the law gives a person: their data in one file, its erasure with a receipt, limits of time,
and who has read it.

Begin with `erasure/service.py`, `person_file/service.py` and `retention/service.py`.
"""
