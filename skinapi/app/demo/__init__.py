"""A clinic that is already at work, in a folder of its own, for whoever looks around.

Begin with `story.py`; `clinic.py` has the acts of its people. A program drew the photos in
`spots/` (`drawing.py` at commit 9e643126): none is of a person.
"""
