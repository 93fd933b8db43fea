import math
import zlib
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.linear_model import LogisticRegression

from skinapi.learning.data.made_pictures import make_pictures
from skinapi.learning.data.samples import UNKNOWN, Sample, open_sample, skin_tone, source_of
from skinapi.learning.measure import metrics
from skinapi.learning.measure.predictions import ModelOutputs, bootstrap_group
from skinapi.learning.progress import Report
from skinapi.learning.train.recipe import weigh_by_root
from skinapi.model.bands import log_odds
from skinapi.model.context import Modality
from skinapi.model.detectors import (
    KNOWN,
    LinearClassifier,
    ModalityDetector,
    OtherDiseaseDetector,
    SkinDetector,
)
from skinapi.model.network.model import Model

Features = NDArray[np.floating]
Floats = NDArray[np.float64]

# On sources that it had not seen, 100 made fewer sure mistakes about the modality than 1, and found
# more of other diseases, with as many ordinary photographs refused; 3000 refused fewer of these.
PENALTY = 100.0
CERTAINTIES = (0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995)
MAX_WRONG = 0.005
MAX_DOUBTED = 0.005
LOWEST_LIMIT = 0.5
# How far, in log odds, what is surely something else lies beyond every picture of skin. Darker and
# warmer copies of light skin reach up to 1.9 further (`tests.bench.skin_tones` of commit 48427f6c).
MARGIN = 2.0
# So many pictures of a source that the fit has not seen may lie beyond it.
MAX_REFUSED = 0.001
LEAST_SURE = 0.99
# Beyond it a probability is one to a computer, and no picture of skin lies safely below.
MOST_LOG_ODDS = 15.0
# Thirty photographs are few, and a crop of an ordinary thing is an ordinary thing.
CROPS = 12
SMALLEST_CROP = 0.4
# For each kind of generated picture.
MADE = 150
BATCH = 8
# The share of known validation lesions with this doubt.
KNOWN_IN_DOUBT = 0.03
# With fewer lesions there is no telling what it finds.
FEWEST_LESIONS = 20
FOLDS = 5


def fit_modality_detector(
    train: ModelOutputs, validation: ModelOutputs, *, report: Report
) -> ModalityDetector | None:
    """None if the training pictures have only one modality. It is sure from the lowest probability
    with at most half a percent of errors in validation, weighting both modalities equally.
    """
    train, validation = (
        outputs.where(lambda sample: sample.modality in KNOWN) for outputs in (train, validation)
    )
    truth = np.array([s.modality is Modality.DERMOSCOPIC for s in train.samples], bool)
    if truth.all() or not truth.any():
        return None
    classifier = fit_linear(train.pooled, truth, groups=list(map(group_of, train.samples)))
    probability = classifier.probability(validation.pooled)
    dermoscopic = np.array([s.modality is Modality.DERMOSCOPIC for s in validation.samples], bool)
    for sure in CERTAINTIES:
        wrong = np.where(dermoscopic, 1 - probability, probability) >= sure
        share = np.mean([wrong[dermoscopic == item].mean() for item in np.unique(dermoscopic)])
        if share <= MAX_WRONG:
            break
    unsure = np.maximum(probability, 1 - probability) < sure
    report(f"modality: sure from {sure}, {share:.2%} wrong, {unsure.mean():.2%} unsure")
    return ModalityDetector(dermoscopic=classifier, sure=sure)


def fit_skin_detector(
    train: ModelOutputs, validation: ModelOutputs, not_skin: Features, *, report: Report
) -> SkinDetector:
    """A classifier skin / not skin. `not_skin` has a row of features for each view of a photograph.

    Its limit is the lowest that doubts at most half a percent of the validation pictures of each
    source, modality and skin tone: over all together, a small hospital could lose far more.
    """
    classifier = _fit_not_skin(train, not_skin)
    probability = classifier.probability(validation.pooled)
    limits = [
        float(np.quantile(probability[rows], 1 - MAX_DOUBTED))
        for rows in _rows_of_each(validation.samples)
    ]
    # Below one half the detector would doubt pictures that it takes for skin.
    limit = min(max(*limits, LOWEST_LIMIT), 1.0)
    sure = _fit_sure(classifier, train, validation, not_skin)
    caught = [
        f"{(classifier.probability(not_skin) >= least).mean():.1%}"
        for least in (limit, 1.0 if sure is None else sure)
    ]
    report(
        f"not skin: doubted from {limit:.4f}, something else from {sure and f'{sure:.6f}'}; of the "
        f"training views {caught[0]} and {caught[1]}"
    )
    return SkinDetector(not_skin=classifier, limit=limit, sure=sure and max(sure, limit))


def _fit_not_skin(train: ModelOutputs, not_skin: Features) -> LinearClassifier:
    pooled = np.concatenate([not_skin, train.pooled])
    groups = [*([""] * len(not_skin)), *map(group_of, train.samples)]
    return fit_linear(pooled, np.arange(len(pooled)) < len(not_skin), groups=groups)


def _fit_sure(
    classifier: LinearClassifier, train: ModelOutputs, validation: ModelOutputs, not_skin: Features
) -> float | None:
    """A threshold with a margin to every picture of skin, and to nearly all of a source that is
    excluded from the fit. None if nothing is above it.
    """
    highest = [classifier.probability(part.pooled).max() for part in (train, validation)]
    sources = [np.array([*map(source_of, part.samples)]) for part in (train, validation)]
    for source in np.unique(sources[0]):
        known = train.take(np.flatnonzero(sources[0] != source))
        if not known.samples:
            continue
        without = _fit_not_skin(known, not_skin)
        for part, names in zip((train, validation), sources, strict=True):
            if (names == source).any():
                own = without.probability(part.pooled[names == source])
                highest.append(np.quantile(own, 1 - MAX_REFUSED))
    beyond = log_odds(float(max(highest))) + MARGIN
    return max(1 / (1 + math.exp(-beyond)), LEAST_SURE) if beyond < MOST_LOG_ODDS else None


def _rows_of_each(samples: Sequence[Sample]) -> Iterator[NDArray[np.bool_]]:
    for name_group in (source_of, lambda sample: sample.modality.value, _tone_of):
        names = np.array([name_group(sample) for sample in samples])
        yield from (names == name for name in np.unique(names))


def _tone_of(sample: Sample) -> str:
    return skin_tone(sample) or UNKNOWN


def read_not_skin_features(model: Model, samples: Sequence[Sample]) -> Features:
    random = np.random.default_rng(0)
    views = make_pictures(MADE, seed=0)
    for sample in samples:
        picture = open_sample(sample)
        views += [picture, *(_random_square(picture, random) for _ in range(CROPS))]
    batches = [views[start : start + BATCH] for start in range(0, len(views), BATCH)]
    return np.concatenate([model.read(batch).pooled for batch in batches])


def _random_square(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    side = random.uniform(SMALLEST_CROP, 1) * min(picture.size)
    left, top = (random.uniform(0, length - side) for length in picture.size)
    return picture.crop((round(left), round(top), round(left + side), round(top + side)))


def group_of(sample: Sample) -> str:
    return f"{sample.source}:{sample.modality}:{_tone_of(sample)}"


def fit_linear(
    pooled: Features, first: NDArray[np.bool_], *, groups: Sequence[str]
) -> LinearClassifier:
    """Both classes have the same total weight, and within a class each group is weighted by the
    square root of its size.
    """
    # A feature that never varies would be divided by zero.
    middle, spread = pooled.mean(axis=0), pooled.std(axis=0) + 1e-3
    rows = np.asarray((pooled - middle) / spread, np.float64)
    names, weight = np.array(groups), np.zeros(len(rows))
    for outcome in (first, ~first):
        weight[outcome] = weigh_by_root(names[outcome]) / 2
    model = LogisticRegression(C=len(rows) / PENALTY, tol=1e-5, max_iter=1000)
    model.fit(rows, first, sample_weight=weight)
    # The standardisation goes into the weights, so that serving needs only a dot product.
    weights = model.coef_[0] / spread
    return LinearClassifier.from_weights(weights, float(model.intercept_[0] - weights @ middle))


def fit_other_diseases(
    train: ModelOutputs, validation: ModelOutputs, others: ModelOutputs, *, report: Report
) -> OtherDiseaseDetector | None:
    """A classifier of `others` against the lesions that the model names, with a quantile of the
    validation lesions as its limit.

    None with too few lesions of other diseases, or if it detects hardly more of them than of the
    known lesions, as judged on parts excluded from the fit.
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
    groups = list(map(bootstrap_group, others.samples))
    low, high = metrics.share_with_interval("found", found, groups)["found_interval"]
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
    """A patient or lesion has one fold, the same on every machine."""
    return zlib.crc32(bootstrap_group(sample).encode()) % FOLDS
