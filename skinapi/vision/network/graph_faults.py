"""Checks a network's graph before it is compiled: would it fill the memory, or give results that
are not numbers?
"""

from math import prod

import numpy as np
import openvino as ov

LARGEST_INPUT_SIDE = 1024
# 128 MB in float32. The largest tensor of EfficientNetB7, at 600 x 600 pixels, is half of that.
MOST_NUMBERS = 2**25
_HALF_EXPONENT = np.uint16(0x7C00)
_FLOATS = (ov.Type.f16, ov.Type.f32, ov.Type.f64)


class BadGraph(ValueError):
    """A network that must not be run; the message says what is wrong with it."""


def find_graph_fault(model: ov.Model) -> str | None:
    """One sentence for people about the first fault, or None."""
    if len(model.inputs) != 1:
        return f"it has {len(model.inputs)} inputs; a served network has one"
    shown = model.inputs[0].partial_shape
    if shown.rank.is_dynamic or len(shown) != 4:
        return "its input is no batch of pictures"
    if any(side.is_static and side.get_length() > LARGEST_INPUT_SIDE for side in shown):
        return f"it reads pictures larger than {LARGEST_INPUT_SIDE} pixels"
    for node in model.get_ops():
        if node.get_type_name() == "Constant":
            if not _is_finite(node):
                return f"the weights {node.get_friendly_name()} are not all finite numbers"
        elif max(map(_static_numbers, node.outputs()), default=0) > MOST_NUMBERS:
            return f"one picture makes more than {MOST_NUMBERS} numbers at once in it"
    return None


def _is_finite(constant: ov.Node) -> bool:
    """Whether the weights are finite. A single infinity is allowed: it may be the bound of a clamp
    or a padding value.
    """
    if constant.get_element_type() not in _FLOATS:
        return True
    numbers = constant.data
    if numbers.size == 1:
        return not np.isnan(numbers).any()
    if numbers.dtype == np.float16:
        # As np.isfinite says, which is slow on float16: only infinities and NaN have all of these
        # bits. https://en.wikipedia.org/wiki/Half-precision_floating-point_format
        return not ((numbers.view(np.uint16) & _HALF_EXPONENT) == _HALF_EXPONENT).any()
    return bool(np.isfinite(numbers).all())


def _static_numbers(output: ov.Output) -> int:
    """How many numbers an output has for one picture: an open dimension, like the batch, counts as
    one, and an output of unknown rank as none.
    """
    shape = output.get_partial_shape()
    if shape.rank.is_dynamic:
        return 0
    return prod(length.get_length() for length in shape if length.is_static)
