"""What is not skin is refused, not forced into a class; what is only strange is told as doubt.

Features alone cannot refuse: skin that a phone saw lies as far from dermoscopy as a dog does. So
the picture's own colours and texture must speak against it too. Colours are judged by hue, never
by brightness: skin of every tone is warm, and none is green.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from skinapi.errors import Refused
from skinapi.vision.photo import Photo
from skinapi.vision.quality import Quality
from skinapi.vision.refusals import Reason, refuse
from skinapi.vision.tensor import view_box

SIDE = 64
GREENER_BY = 4
# Measured by `python -m tests.bench.gate`: none of the training lesions is so green; one in a
# hundred is far from its like and cold or textured as well.
MOST_GREEN = 0.02
MOST_COLD = 0.10
MOST_TEXTURE = 10.0


@dataclass(frozen=True, slots=True)
class Hues:
    """Shares of the network's view that are plainly green, and where red is not the strongest."""

    green: float
    cold: float


def measure_hues(photo: Photo) -> Hues:
    view = photo.pixels.resize(
        (SIDE, SIDE), Image.Resampling.BOX, box=view_box(photo.pixels), reducing_gap=2.0
    )
    red, green, blue = np.moveaxis(np.asarray(view, np.int16), -1, 0)
    return Hues(
        green=float(np.mean(green > np.maximum(red, blue) + GREENER_BY)),
        cold=float(np.mean(red < np.maximum(green, blue))),
    )


def refusal_as_foreign(hues: Hues, quality: Quality, *, strange: bool) -> Refused | None:
    """`strange`: its features are unlike those of the training pictures."""
    if hues.green > MOST_GREEN or (strange and hues.cold > MOST_COLD):
        return refuse(Reason.NOT_SKIN)
    if strange and quality.sharpness > MOST_TEXTURE:
        return refuse(Reason.UNLIKE_TRAINING)
    return None
