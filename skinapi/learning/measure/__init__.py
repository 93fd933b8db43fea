"""Predictions of a served model, and how good they are: metrics, figures, tables."""
