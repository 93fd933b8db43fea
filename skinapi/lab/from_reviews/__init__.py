"""Data sets made of reviewed findings whose owners consent, and how their photos leave again."""
