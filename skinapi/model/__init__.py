"""Classifies a picture: probabilities, urgency and a heat map. Uses no Flask and no storage."""
