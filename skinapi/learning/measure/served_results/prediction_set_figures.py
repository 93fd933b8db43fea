"""Figures of the prediction sets, and of modality recognition."""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from skinapi.learning.measure.prediction_figures import short_name
from skinapi.learning.measure.predictions import ModelOutputs, ServedResult, calibration_modality
from skinapi.learning.measure.served_results.outcomes import (
    ServedSample,
    measure_each_group,
    measure_share,
    pair_samples,
    select_lesions,
)
from skinapi.vision.calibration.model_calibration import LEVELS, Level
from skinapi.vision.context import Modality
from skinapi.vision.finding.finding import NotRuledOut


def measure_prediction_sets(
    outputs: ModelOutputs, results: Sequence[ServedResult]
) -> dict[str, dict[str, Any]]:
    """By modality, level and class: the coverage of the prediction sets and their mean size.

    `too_few` marks a class with too few validation lesions: its coverage is not guaranteed.
    """
    rows = select_lesions(outputs, results)
    by_modality = measure_each_group(
        lambda row: calibration_modality(*row).value, rows, _measure_levels
    )
    return {modality: levels for modality, levels in by_modality.items() if levels}


def _measure_levels(rows: Sequence[ServedSample]) -> dict[str, Any]:
    levels: dict[str, Any] = {}
    for level in LEVELS:
        held = [row for row in rows if _set_of(row, level)]
        if held:
            of_class = partial(_measure_class, level=level)
            levels[level] = {
                **_measure_sets(held, level),
                "by_class": measure_each_group(
                    lambda row: short_name(row[0].label), held, of_class
                ),
            }
    return levels


def _measure_class(rows: Sequence[ServedSample], level: Level) -> dict[str, Any]:
    too_few = any(row[0].label in found.too_few for row in rows for found in _set_of(row, level))
    return {**_measure_sets(rows, level), "too_few": too_few}


def _measure_sets(rows: Sequence[ServedSample], level: Level) -> dict[str, Any]:
    def holds(row: ServedSample) -> bool:
        return any(row[0].label in found.keys for found in _set_of(row, level))

    sizes = [len(found.keys) for row in rows for found in _set_of(row, level)]
    return {
        "n": len(rows),
        **measure_share("coverage", rows, holds),
        "mean_size": float(np.mean(sizes)),
    }


def _set_of(row: ServedSample, level: Level) -> list[NotRuledOut]:
    """The set of this level in a list; an empty list where the calibration has none."""
    return [found for found in row[1].assessment.not_ruled_out if found.level == level]


def measure_modality_recognition(
    outputs: ModelOutputs, results: Sequence[ServedResult]
) -> dict[str, dict[str, Any]]:
    """For each modality in the data sets: how often the model recognises it from the picture."""
    asked = [
        row
        for row in pair_samples(outputs, results)
        if row[0].modality is not Modality.UNKNOWN
        and row[1].assessment.modality.dermoscopic_probability is not None
    ]
    return measure_each_group(lambda row: row[0].modality.value, asked, _count_recognised)


def _count_recognised(rows: Sequence[ServedSample]) -> dict[str, Any]:
    answered = Counter(_compare_modality(row) for row in rows)
    return {"n": len(rows), **{name: answered[name] for name in ("right", "wrong", "unsure")}}


def _compare_modality(row: ServedSample) -> str:
    sample, results = row
    recognised = results.assessment.modality.recognised
    if recognised is Modality.UNKNOWN:
        return "unsure"
    return "right" if recognised is sample.modality else "wrong"
