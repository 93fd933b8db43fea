"""Fits the doubt about diseases that the model does not name."""

import zlib

import numpy as np

from skinapi.learning.data.samples import Sample
from skinapi.learning.measure import metrics
from skinapi.learning.measure.predictions import ModelOutputs, bootstrap_group
from skinapi.learning.package.fit_detectors import fit_linear, group_of
from skinapi.learning.progress import Report
from skinapi.vision.calibration.detectors import OtherDiseaseDetector

# So many of the known validation lesions are in doubt by it.
KNOWN_IN_DOUBT = 0.03
# With fewer lesions there is no telling what it finds.
FEWEST_LESIONS = 20
FOLDS = 5


def fit_other_diseases(
    train: ModelOutputs, validation: ModelOutputs, others: ModelOutputs, *, report: Report
) -> OtherDiseaseDetector | None:
    """A classifier of pictures of `others` against the lesions that the model names; its limit is a
    quantile of the validation lesions.

    None where too few lesions are of other diseases, or where it finds hardly more of them than of
    the known lesions. That is judged by parts of them that it was not fitted to.
    """
    lesions = len({sample.lesion_key for sample in others.samples})
    if lesions < FEWEST_LESIONS:
        report(f"other diseases: {lesions} lesions are too few for a doubt of their own")
        return None
    known = train.where(lambda sample: sample.is_lesion)
    watched = validation.where(lambda sample: sample.is_lesion)
    folds = np.array([_fold_of(sample) for sample in others.samples])
    found = np.zeros(len(others.samples), bool)
    for fold in np.unique(folds).tolist():
        rows = folds == fold
        learned = others.take(np.flatnonzero(~rows).tolist())
        found[rows] = _fit(known, watched, learned).finds(others.pooled[rows])
    low, high = metrics.wilson_interval(found, list(map(bootstrap_group, others.samples)))
    report(
        f"other diseases: {len(found)} pictures of {lesions} lesions, of those held out in turn "
        f"{found.mean():.1%} [{low:.1%}, {high:.1%}] are in doubt"
    )
    return _fit(known, watched, others) if low > KNOWN_IN_DOUBT else None


def _fit(known: ModelOutputs, watched: ModelOutputs, others: ModelOutputs) -> OtherDiseaseDetector:
    samples = [*others.samples, *known.samples]
    classifier = fit_linear(
        np.concatenate([others.pooled, known.pooled]),
        np.arange(len(samples)) < len(others.samples),
        groups=[group_of(sample) for sample in samples],
    )
    limit = float(np.quantile(classifier.probability(watched.pooled), 1 - KNOWN_IN_DOUBT))
    return OtherDiseaseDetector(other=classifier, limit=limit, pictures=len(others.samples))


def _fold_of(sample: Sample) -> int:
    """By patient or lesion, and the same on every machine."""
    return zlib.crc32(bootstrap_group(sample).encode()) % FOLDS
