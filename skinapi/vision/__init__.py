"""From a picture to probabilities and a heat map. No Flask, no storage."""
