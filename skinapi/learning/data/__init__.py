"""Samples, data sets, splits, and functions that change a picture. Imports no Keras."""
