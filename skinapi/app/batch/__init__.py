"""Judges an archive of pictures from the command line, and writes one table of findings.

Begin with `command.py`.
"""
