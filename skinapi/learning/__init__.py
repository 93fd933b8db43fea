"""Trains, measures and packages the Keras networks. For the worker and the command line alone.

Four packages; each imports only those below it:

- `commands`: the command line: options, and the commands
- `train`: from pictures to a model folder: recipe, networks, weights, calibration, export, card
- `measure`: predictions of a served model, metrics, figures, stress tests
- `data`: samples, splits, data sets, and functions that change a picture

`progress` is below them all. Neither `data` nor `measure` imports Keras. `templates` has the text
of the figures and of the card.
"""
