"""Age, sex and body site: reads them from a sample, and measures how much they help."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skinapi.learning.data.samples import Sample
from skinapi.learning.measure import metrics
from skinapi.learning.measure.predictions import ModelOutputs
from skinapi.vision.calibration.model_calibration import ModelCalibration
from skinapi.vision.calibration.patient_facts_table import PatientFactsTable
from skinapi.vision.conditions import NORMAL_SKIN
from skinapi.vision.context import AGE_BANDS, BODY_SITES, AgeBand, BodySite, Context

OTHER_SITE_WORDS: Mapping[str, BodySite] = {
    "anterior torso": "trunk",
    "arm": "upper_extremity",
    "forearm": "upper_extremity",
    "head/neck": "face",
    "lateral torso": "trunk",
    "lip": "face",
    "nose": "face",
    "palms/soles": "acral",
    "posterior torso": "back",
    "thigh": "lower_extremity",
}
SITE_WORDS = {*(site.replace("_", " ") for site in BODY_SITES), *OTHER_SITE_WORDS}


def patient_context(sample: Sample) -> Context:
    """The patient's facts in the data set, as a client would send them."""
    sex = sample.facts.get("sex", "").lower()
    return Context(
        modality=sample.modality,
        age_band=_age_band(sample.facts.get("age", "")),
        sex="female" if sex == "female" else "male" if sex == "male" else None,
        body_site=_body_site(sample.facts.get("localization", "")),
    )


def measure_gain(
    calibration: ModelCalibration,
    labels: Sequence[str],
    outputs: ModelOutputs,
    table: PatientFactsTable,
) -> dict[str, dict[str, Any]]:
    """For each source how far the table lowers the log loss, with its 95 % interval."""
    lesions = select_lesion_outputs(outputs)
    plain = log_losses(calibration, labels, lesions, None)
    gains = measure_gains(lesions.samples, plain - log_losses(calibration, labels, lesions, table))
    return {
        source: {"log_loss_fall": gain, "log_loss_fall_interval": [low, high]}
        for source, (gain, low, high) in gains.items()
    }


def select_lesion_outputs(outputs: ModelOutputs) -> ModelOutputs:
    return outputs.take(
        row for row, sample in enumerate(outputs.samples) if sample.label != NORMAL_SKIN
    )


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


def measure_gains(
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


def _age_band(age: str) -> AgeBand | None:
    try:
        years = float(age)
    except ValueError:
        return None
    return next((band for band in AGE_BANDS if years >= 0 and years < _end_of(band)), None)


def _end_of(band: str) -> float:
    return float("inf") if band.endswith("+") else int(band.split("-")[1]) + 1


def _body_site(words: str) -> BodySite | None:
    word = words.strip().lower()
    known: Iterable[BodySite] = BODY_SITES
    same = next((site for site in known if site == word.replace(" ", "_")), None)
    return same or OTHER_SITE_WORDS.get(word)
