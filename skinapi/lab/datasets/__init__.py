"""Stored data sets and their pictures; uploads, and what is unpacked of them.

Begin with `dataset_versions.py`.

Other packages import `dataset_versions`.
"""
