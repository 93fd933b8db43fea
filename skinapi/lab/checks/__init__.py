"""Checks a data set before it is published, and publishes it.

Begin with `publishing.py`.

Other packages import `label_mapping`.
"""
