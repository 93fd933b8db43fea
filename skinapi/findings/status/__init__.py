"""What counts about a spot: its findings with their levels, and its reviews.

Begin with `spot.py`, which has the rules; docs/reviews.md explains them.

Other packages import `decisions`, `instruction_words`, `reviews`, `spot`, `spot_view`, `waiting`.
"""
