"""Fits, on validation lesions alone, what turns logits into honest probabilities and bands."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from skinapi.learning import metrics
from skinapi.learning.answers import Answers, judge
from skinapi.learning.datasets import Sample
from skinapi.learning.figures import band_scores
from skinapi.learning.progress import Progress, Report
from skinapi.vision.calibration import Calibration, softmax
from skinapi.vision.familiar import Familiar
from skinapi.vision.model import Model
from skinapi.vision.photo import read_photo

TEMPERATURES = np.geomspace(0.2, 5.0, 401)
WANTED_SENSITIVITY = 0.95
REFUSED_SHARE = 0.01
STRANGE_SHARE = 0.02
MOST_LEARNED = 2000


def fit_temperature(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """The one number that makes the validation labels likeliest."""
    losses = [metrics.log_loss(softmax(logits, t), labels) for t in TEMPERATURES]
    return float(TEMPERATURES[int(np.argmin(losses))])


def fit_thresholds(model: Model, answers: Answers) -> dict[str, float]:
    """For each band the highest threshold that still catches 95 % of the validation lesions it is
    for.
    """
    thresholds = {}
    for name, (scores, positive) in band_scores(judge(model, answers)).items():
        if positive.any():
            wanted = metrics.threshold_at_sensitivity(scores, positive, WANTED_SENSITIVITY)
            thresholds[name] = float(np.floor(wanted * 1e4) / 1e4)
    return thresholds


def calibrate(model: Model, answers: Answers) -> Calibration:
    """`answers` are the model's to the validation part."""
    judged = judge(model, answers)
    places = [model.labels.index(key) for key in judged.classes]
    known = [row for row, sample in enumerate(answers.samples) if sample.label in judged.classes]
    temperature = fit_temperature(answers.logits[np.ix_(known, places)], judged.labels)
    calibrated = model.with_calibration(Calibration(temperature=temperature))
    energy = calibrated.calibration.energy(answers.logits)
    return Calibration(
        temperature=temperature,
        thresholds=fit_thresholds(calibrated, answers),
        unlike_training=float(np.quantile(energy, REFUSED_SHARE)),
    )


def fit_familiar(
    model: Model, learned: Sequence[Sample], watched: Sequence[Sample], *, report: Report
) -> Familiar:
    """The main directions of what was learned from; the strangest few of the validation pictures
    set the limit.
    """
    pooled = pool_features(model, learned[:: 1 + len(learned) // MOST_LEARNED], report=report)
    familiar = Familiar.learn(pooled)
    distances = familiar.measure(pool_features(model, watched, report=report))
    limit = float(np.quantile(distances, 1 - STRANGE_SHARE))
    return familiar.model_copy(update={"limit": limit})


def pool_features(
    model: Model, samples: Sequence[Sample], *, report: Report
) -> NDArray[np.float32]:
    """Decoded as in serving, one row per picture."""
    progress = Progress("features", len(samples), report)
    rows = []
    for sample in samples:
        photo = read_photo(sample.path.read_bytes())
        rows.append(model.read([photo.pixels]).pooled[0])
        progress.advance(1)
    return np.stack(rows)
