"""Fits how age, sex and body site shift the probabilities of a model."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from skinapi.learning.data.samples import Sample, patient_context
from skinapi.learning.measure import metrics
from skinapi.learning.measure.predictions import ModelOutputs
from skinapi.learning.progress import Report
from skinapi.model.calibration import ModelCalibration, PatientFactsTable
from skinapi.model.conditions import NORMAL_SKIN
from skinapi.model.context import BODY_SITES, BodySite

STRENGTHS = (0.25, 0.5, 0.75, 1.0)
# Smoothing: the frequency in the source counts as much as this many pictures of the class.
PRIOR_COUNT = 20.0
FEWEST_SOURCES = 2

# Fitted by part of the body: single sites have too few pictures.
SITE_GROUPS: Mapping[str, tuple[BodySite, ...]] = {
    "head": ("ear", "face", "neck", "scalp"),
    "trunk": ("abdomen", "back", "chest", "genital", "trunk"),
    "arm": ("hand", "upper_extremity"),
    "leg": ("foot", "lower_extremity"),
    "acral": ("acral",),
}


def fit_patient_facts(
    calibration: ModelCalibration,
    labels: Sequence[str],
    train: ModelOutputs,
    validation: ModelOutputs,
    *,
    report: Report,
) -> PatientFactsTable | None:
    """The table at the strength with the lowest validation loss, or None where it does not help.

    It helps if the log loss falls significantly in two sources and rises significantly in none.
    """
    train_lesions = [sample for sample in train.samples if sample.is_lesion]
    validation_lesions = validation.where(lambda sample: sample.is_lesion)
    plain = log_losses(calibration, labels, validation_lesions, None)
    tables = [fit_table(train_lesions, labels, strength=strength) for strength in STRENGTHS]
    losses = [log_losses(calibration, labels, validation_lesions, table) for table in tables]
    best = int(np.argmin([loss.mean() for loss in losses]))
    gain = plain - losses[best]
    sources = np.array([sample.source for sample in validation_lesions.samples])
    lesions = np.array([sample.lesion_key for sample in validation_lesions.samples])
    intervals = []
    for source in np.unique(sources).tolist():
        rows = sources == source
        fall, low, high = _mean_with_interval(gain[rows], lesions[rows].tolist())
        report(f"patient facts on {source}: log loss falls by {fall:.4f} [{low:.4f}, {high:.4f}]")
        intervals.append((low, high))
    resolved = sum(low > 0 for low, _ in intervals)
    harmed = any(high < 0 for _, high in intervals)
    return tables[best] if resolved >= FEWEST_SOURCES and not harmed else None


def _mean_with_interval(
    values: NDArray[np.float64], lesions: Sequence[str]
) -> tuple[float, float, float]:
    low, high = metrics.bootstrap_interval(
        lambda drawn: float(values[drawn].mean()), metrics.draw_bootstrap(lesions)
    )
    return float(values.mean()), low, high


def fit_table(
    samples: Sequence[Sample], labels: Sequence[str], *, strength: float
) -> PatientFactsTable:
    """For each class and value the log of how much more frequent the value is in the class than in
    its source, times `strength`.

    Computed within each source, because hospitals differ in their patients; then averaged over the
    sources, weighted by their number of pictures of the class.
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
    samples: Sequence[Sample], labels: Sequence[str], values: Sequence[str | None], strength: float
) -> dict[str, dict[str, float]]:
    known = [
        (sample.source, sample.label, value)
        for sample, value in zip(samples, values, strict=True)
        if value is not None
    ]
    both = Counter(known)
    of_class = Counter((source, label) for source, label, _ in known)
    of_value = Counter((source, value) for source, _, value in known)
    of_source = Counter(source for source, _, _ in known)

    def shift(label: str, value: str) -> float:
        total = weight = 0.0
        for source, total_count in of_source.items():
            frequency = of_value[source, value] / total_count
            in_class = of_class[source, label]
            if frequency > 0 and in_class > 0:
                share = (both[source, label, value] + PRIOR_COUNT * frequency) / (
                    in_class + PRIOR_COUNT
                )
                total += in_class * float(np.log(share / frequency))
                weight += in_class
        return round(strength * total / weight, 3) if weight else 0.0

    return {
        value: {label: shift(label, value) for label in labels if label != NORMAL_SKIN}
        for value in sorted({value for _, _, value in known})
    }


def log_losses(
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
