"""The commands of training and measuring, and their options.

Begin with `command_line.py`; `train.py` goes from pictures to a model folder.

Other packages import `export`, `options`, `train`.
"""
