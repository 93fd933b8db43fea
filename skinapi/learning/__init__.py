"""Trains, measures and packages the Keras networks. For the worker and the command line alone.

Five packages; each imports only those below it:

- `commands`: the command line: options, and one module for each command
- `package`: a model folder: calibration, detectors, export, model card
- `train`: the recipe, networks and their weights, and what a network is shown in training
- `measure`: predictions of a served model, metrics, figures, stress tests, tables
- `data`: samples, data sets, splits, and functions that change a picture

`progress` is below them all. Neither `data` nor `measure` imports Keras. `templates` has the text
of the figures and of the card.
"""
