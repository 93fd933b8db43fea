"""A model folder, from calibration and export to the model card."""
