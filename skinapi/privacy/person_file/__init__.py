"""Everything about one person in one ZIP file, made by a job and fetched once.

Begin with `service.py`.
"""
