"""Data sets that are uploaded: received, checked in a quarantine, published in versions."""
