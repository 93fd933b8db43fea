"""The model: its folder, its network and what runs that, and the heat map of its outputs.

Begin with `model.py`.

Other packages import `engine`, `grad_cam`, `model`, `model_checks`, `picture`.
"""
