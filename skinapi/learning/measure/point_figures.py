"""What each operating point does, and the test figures of the notice beside each finding."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from skinapi.learning.data.samples import skin_tone
from skinapi.learning.measure.predictions import ModelOutputs
from skinapi.learning.measure.served_figures import measure_each_group, measure_sent
from skinapi.learning.measure.served_pictures import serve_as_if_tested
from skinapi.model.bands import OperatingPoint
from skinapi.model.calibration.detectors import KNOWN
from skinapi.model.calibration.model_calibration import (
    HeldOutFigures,
    ModelCalibration,
    PointFigures,
    TonesTested,
)
from skinapi.model.context import Modality
from skinapi.model.network.model import Model


def measure_points(model: Model, outputs: ModelOutputs) -> dict[str, dict[str, Any]]:
    """By operating point and kind of picture, the figures over one picture of that kind of each
    lesion, and `by_source`; {} for a model without operating points.
    """
    return {
        point.value: _measure_kinds(model.with_calibration(model.calibration.at(point)), outputs)
        for point in (_points_of(model.calibration) if outputs.samples else ())
    }


def _points_of(calibration: ModelCalibration) -> Iterator[OperatingPoint]:
    """Those for which every kind of picture has a threshold."""
    own = [one for one in (calibration.dermoscopic, calibration.clinical) if one is not None]
    return (point for point in OperatingPoint if all(point in one.sent for one in own))


def _measure_kinds(model: Model, outputs: ModelOutputs) -> dict[str, Any]:
    served = serve_as_if_tested(model, outputs).lesions
    figures = {}
    for kind in KNOWN:
        own = served.where(served.table["calibrated_as"] == kind.value).one_per_lesion().table
        if not own.empty:
            by_source = measure_each_group(own, "source", measure_sent)
            figures[kind.value] = {**measure_sent(own), "by_source": by_source}
    return figures


def with_test_figures(model: Model, outputs: ModelOutputs) -> Model:
    """Adds to the calibration what the notice beside each finding says about the test part, and
    what each operating point does on it.
    """
    calibration = model.calibration.at(OperatingPoint.CAUTIOUS)
    cautious = model.with_calibration(calibration)
    # A picture of a kind that the data set does not name is no test of a kind.
    points = measure_points(model, outputs.where(lambda sample: sample.modality in KNOWN))
    tested = {
        kind.value: calibration.of(kind).model_copy(
            update={
                "tested": measure_tested(cautious, outputs, kind),
                "point_figures": {
                    OperatingPoint(point): PointFigures.model_validate(kinds[kind])
                    for point, kinds in points.items()
                    if kind in kinds
                },
            }
        )
        for kind in KNOWN
        if kind is Modality.DERMOSCOPIC or calibration.clinical is not None
    }
    return model.with_calibration(calibration.model_copy(update=tested))


def measure_tested(
    model: Model, outputs: ModelOutputs, modality: Modality
) -> HeldOutFigures | None:
    """The test figures of a modality for the notice beside each finding, from one picture of each
    lesion. None without a malignant lesion.
    """
    own = outputs.lesions_of(modality).one_per_lesion()
    if not own.samples:
        return None
    figures = measure_sent(serve_as_if_tested(model, own).table)
    if not figures["malignant"]:
        return None
    return HeldOutFigures(
        modality=modality,
        lesions=figures["lesions"],
        malignant=figures["malignant"],
        sensitivity=figures["caught"],
        tones=TonesTested.model_validate(Counter(filter(None, map(skin_tone, own.samples)))),
    )
