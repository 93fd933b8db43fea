"""From pictures to a model folder: training, calibration, export, model card.

Begin with `trained_model.py`; how it is trained: `recipe.py`.

Other packages import `weights`.
"""
