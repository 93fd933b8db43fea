"""Labelled pictures: read, selected and split into training, validation and test, and changed.

Begin with `samples.py`.

Other packages import `datasets`, `samples`.
"""
