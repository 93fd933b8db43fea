"""The stores: SQLite with files, and MongoDB with GridFS.

Begin with `store_factory.py`, which opens the one that the settings name.

Other packages import `store_factory`.
"""
