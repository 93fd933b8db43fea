"""Measures how much age, sex and body site help."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skinapi.learning.data.patient_contexts import patient_context
from skinapi.learning.data.samples import Sample
from skinapi.learning.measure import metrics
from skinapi.learning.measure.predictions import ModelOutputs
from skinapi.vision.calibration.model_calibration import ModelCalibration
from skinapi.vision.calibration.probability_adjustments import PatientFactsTable


def measure_facts_gain(
    calibration: ModelCalibration,
    labels: Sequence[str],
    outputs: ModelOutputs,
    table: PatientFactsTable,
) -> dict[str, dict[str, Any]]:
    """For each source how far the table lowers the log loss, with its 95 % interval."""
    lesions = outputs.where(lambda sample: sample.is_lesion)
    plain = log_losses(calibration, labels, lesions, None)
    gains = gain_by_source(lesions.samples, plain - log_losses(calibration, labels, lesions, table))
    return {
        source: {"log_loss_fall": gain, "log_loss_fall_interval": [low, high]}
        for source, (gain, low, high) in gains.items()
    }


def log_losses(
    calibration: ModelCalibration,
    labels: Sequence[str],
    outputs: ModelOutputs,
    table: PatientFactsTable | None,
) -> NDArray[np.float64]:
    """The log loss of each picture, with the table or without one."""
    losses = []
    for sample, logits in zip(outputs.samples, outputs.logits, strict=True):
        row = calibration.of(sample.modality).probabilities(logits)
        probabilities = dict(zip(labels, row.tolist(), strict=True))
        if table is not None:
            probabilities = table.shift(probabilities, patient_context(sample))
        losses.append(-np.log(max(probabilities[sample.label], 1e-12)))
    return np.array(losses)


def gain_by_source(
    samples: Sequence[Sample], gain: NDArray[np.float64]
) -> dict[str, tuple[float, float, float]]:
    """For each source the mean gain with its 95 % interval, by bootstrap over lesions."""
    gains = {}
    for source in sorted({sample.source for sample in samples}):
        rows = [row for row, sample in enumerate(samples) if sample.source == source]
        draws = metrics.draw_bootstrap([samples[row].lesion_key for row in rows])
        gains[source] = _mean_with_interval(gain[rows], draws)
    return gains


def _mean_with_interval(
    values: NDArray[np.float64], draws: list[metrics.Rows]
) -> tuple[float, float, float]:
    low, high = metrics.bootstrap_interval(lambda drawn: float(values[drawn].mean()), draws)
    return float(values.mean()), low, high
