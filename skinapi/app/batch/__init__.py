"""Judges an archive of pictures from the command line, and writes one table of findings."""
