"""The migration of a store of the release before, by the first server of this version.

Begin with `steps.py`, which has the steps; `run.py` runs them.
"""
