"""Blobs as files, and how a file is written durably, locked, and found lost."""
