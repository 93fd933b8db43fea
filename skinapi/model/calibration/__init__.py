"""How outputs become probabilities, and what is fitted with that: detectors, limits, facts."""
