"""Translates between the published clients of earlier systems and findings; decides nothing.

Begin with `area.py`; `explainable.py` is the shortest one. To add one, see "Where to change what"
in docs/architecture.md.
"""
