"""A clinic that is already at work, in a folder of its own, for whoever looks around.

Begin with `story.py`; `clinic.py` has the acts it is made of.
"""
