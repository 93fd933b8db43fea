"""Data sets: uploaded or made of reviews, checked in a quarantine, published in versions. Also
trainings on them, and networks that come from elsewhere (imports).
"""
