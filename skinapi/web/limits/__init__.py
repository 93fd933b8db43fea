"""How often and how much a caller may: rates, lists at the same time, sizes."""
