"""What is not skin, or nothing like what the network has seen: refused, not forced into a class."""

from skinapi.vision.calibration import Calibration
from skinapi.vision.engine import Reading
from skinapi.vision.photo import Photo
from skinapi.vision.refusals import Reason, refuse


def refuse_foreign(photo: Photo, reading: Reading, calibration: Calibration) -> None:
    if calibration.foreign is None:
        return
    if calibration.energy(reading.logits)[0] < calibration.foreign:
        raise refuse(Reason.UNLIKE_TRAINING)
