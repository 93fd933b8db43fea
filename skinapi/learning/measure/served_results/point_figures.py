"""What each operating point does, by the rules of serving."""

from collections.abc import Iterator
from typing import Any

from skinapi.learning.data.samples import source_of
from skinapi.learning.measure.predictions import ModelOutputs, calibration_modality
from skinapi.learning.measure.served_results.outcomes import measure_each_group, pair_samples
from skinapi.learning.measure.served_results.sent_figures import measure_sent
from skinapi.learning.measure.served_results.served_figures import (
    measure_tested,
    serve_as_if_tested,
)
from skinapi.vision.bands import OperatingPoint
from skinapi.vision.calibration.detectors import KNOWN
from skinapi.vision.calibration.model_calibration import ModelCalibration, PointFigures
from skinapi.vision.context import Modality
from skinapi.vision.network.model import Model


def measure_points(model: Model, outputs: ModelOutputs) -> dict[str, dict[str, Any]]:
    """By operating point and kind of picture, the figures over one picture of that kind of each
    lesion, and `by_source`; {} for a model without operating points.
    """
    return {
        point.value: _measure_kinds(model.with_calibration(model.calibration.at(point)), outputs)
        for point in _points_of(model.calibration)
    }


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


def _points_of(calibration: ModelCalibration) -> Iterator[OperatingPoint]:
    """Those for which every kind of picture has a threshold."""
    own = [one for one in (calibration.dermoscopic, calibration.clinical) if one is not None]
    return (point for point in OperatingPoint if all(point in one.sent for one in own))


def _measure_kinds(model: Model, outputs: ModelOutputs) -> dict[str, Any]:
    lesions = outputs.where(lambda sample: sample.is_lesion)
    served = pair_samples(lesions, serve_as_if_tested(model, lesions))
    figures = {}
    for kind in KNOWN:
        own = [row for row, one in enumerate(served) if calibration_modality(*one) is kind]
        chosen = {s.image_id for s in lesions.take(own).one_per_lesion().samples}
        rows = [served[row] for row in own if served[row][0].image_id in chosen]
        if rows:
            by_source = measure_each_group(lambda row: source_of(row[0]), rows, measure_sent)
            figures[kind.value] = {**measure_sent(rows), "by_source": by_source}
    return figures
