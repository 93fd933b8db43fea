"""A clinic that is already at work, in a folder of its own, for whoever looks around.

Begin with `story.py`; `clinic.py` has the acts of its people. A program, in this folder at commit
9e643126, drew the photos in `spots/`: none is of a person.
"""
