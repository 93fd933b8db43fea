"""Everything about one person in one ZIP file: made, signed, described and read.

Begin with `service.py`; what it says: `contents.py`.
"""
