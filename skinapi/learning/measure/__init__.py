"""Predictions of a served model, and how good they are: metrics, figures, tables.

Begin with `evaluation.py`.

Other packages import `metrics`, `predictions`.
"""
