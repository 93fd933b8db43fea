"""The migration of a store of an earlier release, by the first server of this version.

Begin with `steps.py`; `judgements.py` is its longest step.
"""
