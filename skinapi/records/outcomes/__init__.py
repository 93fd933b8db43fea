"""Outcomes: what the model and doctors had said, against the laboratory's results."""
