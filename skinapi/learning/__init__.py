"""Keras: data sets, the recipe, evaluation, export. For the worker and the command line alone."""
