"""Data sets, trainings on them, and networks that come from elsewhere (imports)."""
