"""From pictures to a model folder: training, calibration, export, model card."""
