"""Fits how far age, sex and site shift the probabilities, and asks validation whether they help."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skinapi.learning.data.samples import Sample
from skinapi.learning.measure import metrics
from skinapi.learning.measure.predictions import ModelOutputs
from skinapi.learning.progress import Report
from skinapi.vision.calibration import ModelCalibration
from skinapi.vision.conditions import NORMAL_SKIN
from skinapi.vision.context import AGE_BANDS, BODY_SITES, AgeBand, BodySite, Context
from skinapi.vision.patient_facts import PatientFactsTable

STRENGTHS = (0.25, 0.5, 0.75, 1.0)
# A value that was met this often counts as much as what is known without it.
PRIOR_COUNT = 20.0
FEWEST_SOURCES = 2

# The words of the data sets, by part of the body: too few pictures were taken of single sites.
SITE_GROUPS: Mapping[str, tuple[BodySite, ...]] = {
    "head": ("ear", "face", "neck", "scalp"),
    "trunk": ("abdomen", "back", "chest", "genital", "trunk"),
    "arm": ("hand", "upper_extremity"),
    "leg": ("foot", "lower_extremity"),
    "acral": ("acral",),
}
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


def patient_context(sample: Sample) -> Context:
    """What a data set tells of a patient, in the words of the API."""
    sex = sample.facts.get("sex", "").lower()
    return Context(
        modality=sample.modality,
        age_band=_age_band(sample.facts.get("age", "")),
        sex="female" if sex == "female" else "male" if sex == "male" else None,
        body_site=_body_site(sample.facts.get("localization", "")),
    )


def fit_patient_facts(
    calibration: ModelCalibration,
    labels: Sequence[str],
    train: ModelOutputs,
    validation: ModelOutputs,
    *,
    report: Report,
) -> PatientFactsTable | None:
    """The table at the strength that validation likes best; None unless its log loss falls beyond
    doubt on two sources, and on none rises beyond doubt.
    """
    learned = [sample for sample in train.samples if sample.label != NORMAL_SKIN]
    watched = _lesions(validation)
    plain = _losses(calibration, labels, watched, None)
    tables = [fit_table(learned, labels, strength=strength) for strength in STRENGTHS]
    losses = [_losses(calibration, labels, watched, table) for table in tables]
    best = int(np.argmin([loss.mean() for loss in losses]))
    gains = _gains(watched.samples, plain - losses[best])
    for source, (gain, low, high) in gains.items():
        report(f"patient facts on {source}: log loss falls by {gain:.4f} [{low:.4f}, {high:.4f}]")
    resolved = sum(low > 0 for _, low, _ in gains.values())
    harmed = any(high < 0 for _, _, high in gains.values())
    return tables[best] if resolved >= FEWEST_SOURCES and not harmed else None


def measure_gain(
    calibration: ModelCalibration,
    labels: Sequence[str],
    outputs: ModelOutputs,
    table: PatientFactsTable,
) -> dict[str, dict[str, Any]]:
    """By source: how far the log loss falls where the table is used, with its 95 % interval."""
    lesions = _lesions(outputs)
    plain = _losses(calibration, labels, lesions, None)
    gains = _gains(lesions.samples, plain - _losses(calibration, labels, lesions, table))
    return {
        source: {"log_loss_fall": gain, "log_loss_fall_interval": [low, high]}
        for source, (gain, low, high) in gains.items()
    }


def fit_table(
    samples: Sequence[Sample], labels: Sequence[str], *, strength: float
) -> PatientFactsTable:
    """For each class the log of how much more often a value is met in it than in its source.

    Compared within each source, because hospitals differ in whom they see; then averaged, each
    source by its number of pictures of the class.
    """
    contexts = [patient_context(sample) for sample in samples]
    grouped = {site: group for group, sites in SITE_GROUPS.items() for site in sites}
    ages = _shifts(samples, labels, [context.age_band for context in contexts], strength)
    sexes = _shifts(samples, labels, [context.sex for context in contexts], strength)
    sites = _shifts(
        samples,
        labels,
        [grouped[context.body_site] if context.body_site else None for context in contexts],
        strength,
    )
    return PatientFactsTable(
        age_band=ages,
        sex=sexes,
        body_site={site: sites[grouped[site]] for site in BODY_SITES if grouped[site] in sites},
    )


def _shifts(
    samples: Sequence[Sample],
    labels: Sequence[str],
    values: Sequence[str | None],
    strength: float,
) -> dict[str, dict[str, float]]:
    """Value -> class -> what is added to the log probability."""
    use_modality = [
        (sample.source, sample.label, value)
        for sample, value in zip(samples, values, strict=True)
        if value is not None
    ]
    both = Counter(use_modality)
    of_class = Counter((source, label) for source, label, _ in use_modality)
    of_value = Counter((source, value) for source, _, value in use_modality)
    of_source = Counter(source for source, _, _ in use_modality)

    def shift(label: str, value: str) -> float:
        total = weight = 0.0
        for source, everything in of_source.items():
            usual = of_value[source, value] / everything
            met = of_class[source, label]
            if usual > 0 and met > 0:
                share = (both[source, label, value] + PRIOR_COUNT * usual) / (met + PRIOR_COUNT)
                total += met * float(np.log(share / usual))
                weight += met
        return round(strength * total / weight, 3) if weight else 0.0

    return {
        value: {label: shift(label, value) for label in labels if label != NORMAL_SKIN}
        for value in sorted({value for _, _, value in use_modality})
    }


def _lesions(outputs: ModelOutputs) -> ModelOutputs:
    return outputs.take(
        row for row, sample in enumerate(outputs.samples) if sample.label != NORMAL_SKIN
    )


def _losses(
    calibration: ModelCalibration,
    labels: Sequence[str],
    outputs: ModelOutputs,
    table: PatientFactsTable | None,
) -> NDArray[np.float64]:
    losses = []
    for sample, logits in zip(outputs.samples, outputs.logits, strict=True):
        row = calibration.of(sample.modality).probabilities(logits)
        probabilities = dict(zip(labels, row.tolist(), strict=True))
        if table is not None:
            probabilities = table.shift(probabilities, patient_context(sample))
        losses.append(-np.log(max(probabilities[sample.label], 1e-12)))
    return np.array(losses)


def _gains(
    samples: Sequence[Sample], gain: NDArray[np.float64]
) -> dict[str, tuple[float, float, float]]:
    """Per source the mean gain with its 95 % interval, by bootstrap over lesions."""
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
