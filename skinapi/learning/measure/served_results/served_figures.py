"""Figures of what users get: refusals, the test figures, and what is told without a modality.

Computed from `ServedResult`, so by the rules of serving itself.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from skinapi.learning.data.patient_contexts import skin_tone
from skinapi.learning.data.samples import source_of
from skinapi.learning.measure import metrics
from skinapi.learning.measure.prediction_figures import short_name, with_interval
from skinapi.learning.measure.predictions import (
    ModelOutputs,
    ServedResult,
    predict,
    serve_outputs,
)
from skinapi.learning.measure.served_results.outcomes import (
    ServedSample,
    count_refused,
    is_refused,
    measure_each_group,
    measure_share,
    pair_samples,
    pick_results,
    reaches_band,
    select_lesions,
)
from skinapi.learning.measure.served_results.sent_figures import (
    measure_malignant_caught,
    measure_sent,
)
from skinapi.vision.calibration.detectors import KNOWN
from skinapi.vision.calibration.model_calibration import (
    ENOUGH_TESTED,
    Calibration,
    HeldOutFigures,
    ModelCalibration,
    TonesTested,
)
from skinapi.vision.conditions import Band
from skinapi.vision.context import Modality
from skinapi.vision.network.model import Model


def serve_as_if_tested(
    model: Model, outputs: ModelOutputs, *, use_modality: bool = True
) -> list[ServedResult]:
    """Like `serve_outputs`, but without one rule of serving: no band below doctor_review for a
    modality with few tested lesions.

    With that rule a new model would get a sensitivity of 1 on any data.
    """
    calibration = model.calibration
    measured = calibration.model_copy(
        update={modality.value: _as_if_tested(calibration, modality) for modality in KNOWN}
    )
    return serve_outputs(model.with_calibration(measured), outputs, use_modality=use_modality)


def _as_if_tested(calibration: ModelCalibration, modality: Modality) -> Calibration:
    tested = HeldOutFigures(
        modality=modality, lesions=ENOUGH_TESTED, malignant=ENOUGH_TESTED, sensitivity=0.0
    )
    return calibration.of(modality).model_copy(update={"tested": tested})


def measure_tested(
    model: Model, outputs: ModelOutputs, modality: Modality
) -> HeldOutFigures | None:
    """The test figures of a modality for the notice beside each finding, from one picture of each
    lesion. None without a malignant lesion.
    """
    lesions = select_one_per_lesion(outputs, modality)
    figures = measure_sent(pair_samples(lesions, serve_as_if_tested(model, lesions)))
    if not figures["malignant"]:
        return None
    return HeldOutFigures(
        modality=modality,
        lesions=figures["lesions"],
        malignant=figures["malignant"],
        sensitivity=figures["caught"],
        tones=TonesTested.model_validate(Counter(filter(None, map(skin_tone, lesions.samples)))),
    )


def select_one_per_lesion(outputs: ModelOutputs, modality: Modality | None = None) -> ModelOutputs:
    """One picture of each lesion; with `modality`, only lesions of that modality."""
    return outputs.where(
        lambda sample: sample.is_lesion and modality in (None, sample.modality)
    ).one_per_lesion()


def measure_refusals(outputs: ModelOutputs, results: Sequence[ServedResult]) -> dict[str, Any]:
    """Counts of refused lesion pictures by class, source and reason."""
    rows = select_lesions(outputs, results)
    reasons = Counter(one.refused.value for _, one in rows if one.refused)
    return {
        **_count_by_class(rows),
        "by_source": measure_each_group(lambda row: source_of(row[0]), rows, _count_by_class),
        "by_reason": dict(sorted(reasons.items())),
    }


def _count_by_class(rows: Sequence[ServedSample]) -> dict[str, Any]:
    return {
        **count_refused(rows),
        **measure_share("refused_share", rows, is_refused),
        "by_class": measure_each_group(lambda row: short_name(row[0].label), rows, count_refused),
    }


def measure_scc(outputs: ModelOutputs, results: Sequence[ServedResult]) -> dict[str, Any]:
    """How many squamous cell carcinomas are sent to a doctor, and how soon.

    A model may have no output for them, so they are found by the label as their data set writes it.
    """
    rows = [row for row in pair_samples(outputs, results) if row[0].is_squamous]
    asked = {
        "sent": Band.DOCTOR_REVIEW,
        "referral_or_higher": Band.REFERRAL,
        "told_urgent": Band.URGENT_REFERRAL,
    }
    figures = count_refused(rows)
    for name, band in asked.items():
        figures |= measure_share(name, rows, partial(reaches_band, band=band))
    return figures


def measure_without_modality(
    model: Model, outputs: ModelOutputs, lesions: ModelOutputs
) -> dict[str, Any]:
    """The figures for a client that names no modality, so that the model has to recognise it.

    `malignant_caught` is still grouped by the modality in the data set.
    """
    results = serve_as_if_tested(model, outputs, use_modality=False)
    untold = [replace(sample, modality=Modality.UNKNOWN) for sample in outputs.samples]
    predictions = predict(model, replace(outputs, samples=untold), results)
    draws = metrics.all_rows_and_draws(predictions.groups)
    return {
        "refusals": count_refused(select_lesions(outputs, results)),
        "malignant_caught": measure_malignant_caught(
            lesions, pick_results(outputs, results, lesions)
        ),
        **with_interval(
            "named_balanced_accuracy",
            draws,
            lambda r: metrics.balanced_accuracy_of(predictions.named[r], predictions.labels[r]),
        ),
    }
