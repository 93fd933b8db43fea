"""Trains, measures and packages the Keras networks. For the worker and the command line alone.

Begin with `commands`; it uses `train` (pictures to a model folder), that uses `measure` (figures of
a served model), that uses `data` (samples and splits). Neither `data` nor `measure` imports Keras.

Other packages import `progress`.
"""
