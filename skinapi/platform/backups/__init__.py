"""Backups, and what was erased since.

Begin with `backup.py`.

Other packages import `backup`, `erased_ids`.
"""
