"""Fits the calibration of each modality: temperature, thresholds, prediction sets, naming rule,
detectors, and the effect of patient facts.

Temperature, thresholds and prediction sets only use the validation part. Detectors and class
frequencies also use training pictures. The test part is never read.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skinapi.base.errors import BadDataset
from skinapi.learning.data.datasets import load_pictures
from skinapi.learning.data.samples import (
    Sample,
    fitting_half,
    label_for,
    subsample,
)
from skinapi.learning.measure import metrics
from skinapi.learning.measure.evaluation import list_pairs
from skinapi.learning.measure.predictions import ModelOutputs, name_classes, run_model
from skinapi.learning.progress import Report
from skinapi.learning.train.fit_bands import fit_bands
from skinapi.learning.train.fit_detectors import (
    fit_modality_detector,
    fit_other_diseases,
    fit_skin_detector,
    read_not_skin_features,
)
from skinapi.learning.train.fit_patient_facts import fit_patient_facts
from skinapi.model.calibration import (
    LEVELS,
    Calibration,
    JoiningRule,
    Level,
    ModelCalibration,
    NamingRule,
    softmax,
)
from skinapi.model.conditions import NORMAL_SKIN, conditions_table
from skinapi.model.context import Modality
from skinapi.model.detectors import KNOWN, OutOfDistributionDetector
from skinapi.model.network.model import Model

TEMPERATURES = np.geomspace(0.2, 5.0, 401)
LOW_ENERGY_SHARE = 0.01
FAR_FEATURES_SHARE = 0.02
TAUS = np.arange(0.0, 1.01, 0.05)
MAX_ACCURACY_LOSS = 0.005
# More pictures of a source hardly change the detectors.
MAX_TRAIN_PER_SOURCE = 1500
WEIGHTS = np.arange(0, 1.51, 0.05)
# With fewer pairs the equal weights of `joining.EQUAL` are as good a guess.
ENOUGH_PAIRS = 50

Probabilities = NDArray[np.float64]
Labels = NDArray[np.int64]


def calibrate_model(
    model: Model,
    *,
    train: Sequence[Sample],
    validation: Sequence[Sample],
    not_skin: Path | None,
    others: Sequence[Sample] = (),
    report: Report,
) -> ModelCalibration:
    """Run the model on both parts and fit its calibration.

    `others` are training and validation pictures of diseases that no model names. Every other
    photograph in `not_skin` is used; the rest is for measuring.
    """
    train = keep_known_labels(train, model.labels, part="training", report=report)
    validation = keep_known_labels(validation, model.labels, part="validation", report=report)
    chosen = subsample(train, most=MAX_TRAIN_PER_SOURCE, by=lambda sample: sample.source)
    photographs = fitting_half(load_pictures(not_skin, label="not skin")) if not_skin else []
    return fit_calibration(
        labels=model.labels,
        train=run_model(model, chosen, report=report),
        patients=train,
        validation=run_model(model, validation, report=report),
        not_skin=read_not_skin_features(model, photographs) if photographs else None,
        others=run_model(model, others, report=report) if others else None,
        report=report,
    )


def keep_known_labels(
    samples: Sequence[Sample], labels: Sequence[str], *, part: str, report: Report
) -> list[Sample]:
    """Predictions for other labels are always wrong and would only raise the temperature."""
    samples = label_for(samples, labels)
    kept = [sample for sample in samples if sample.label in labels]
    others = Counter(sample.label for sample in samples if sample.label not in labels)
    if others:
        counts = ", ".join(f"{label} {n}" for label, n in sorted(others.items()))
        report(f"{others.total()} {part} pictures left out, no output of the model: {counts}")
    if not kept:
        raise BadDataset(
            f"No {part} picture has a label that the model knows; give pictures of some of "
            f"{', '.join(labels)}"
        )
    return kept


def fit_calibration(
    *,
    labels: Sequence[str],
    train: ModelOutputs,
    patients: Sequence[Sample],
    validation: ModelOutputs,
    not_skin: NDArray[np.floating] | None,
    others: ModelOutputs | None = None,
    report: Report,
) -> ModelCalibration:
    """`train` may be a sample of the training part, for the features of the detectors. `patients`
    must be all of it, for their facts. `not_skin` holds pooled features of ordinary photographs, a
    row for each view.
    """
    fitted = {
        modality: _fit_modality(modality, labels, train, validation, report)
        for modality in KNOWN
        if any(s.is_lesion and s.modality is modality for s in validation.samples)
    }
    calibration = ModelCalibration(
        dermoscopic=fitted.get(Modality.DERMOSCOPIC, Calibration()),
        clinical=fitted.get(Modality.CLINICAL),
        modality=fit_modality_detector(train, validation, report=report),
    )
    if not_skin is not None:
        skin = fit_skin_detector(train, validation, not_skin, report=report)
        calibration = calibration.model_copy(update={"skin": skin})
    if others is not None:
        doubt = fit_other_diseases(train, validation, others, report=report)
        calibration = calibration.model_copy(update={"other_diseases": doubt})
    joining = fit_joining(calibration, labels, validation, report=report)
    calibration = calibration.model_copy(update={"joining": joining})
    return fit_patient_facts(calibration, labels, patients, validation, report=report)


def _fit_modality(
    modality: Modality,
    labels: Sequence[str],
    train: ModelOutputs,
    validation: ModelOutputs,
    report: Report,
) -> Calibration:
    lesions = validation.lesions_of(modality)
    truth = np.array([labels.index(sample.label) for sample in lesions.samples])
    temperature = fit_temperature(lesions.logits, truth)
    probabilities = softmax(lesions.logits, temperature)
    scaled = Calibration(temperature=temperature)
    train_lesions = train.lesions_of(modality)
    familiar = fit_familiar(train_lesions.pooled, lesions.pooled)
    sets, too_few = fit_prediction_sets(lesions, labels, probabilities)
    naming = fit_naming_rule(
        labels, probabilities, truth, prior=_shares([*train_lesions.samples, *lesions.samples])
    )
    report(
        f"{modality}: {len(lesions.samples)} validation pictures, temperature {temperature:.3f}, "
        f"tau {naming.tau:.2f}"
    )
    fitted = scaled.model_copy(
        update={
            "unlike_training": float(np.quantile(scaled.energy(lesions.logits), LOW_ENERGY_SHARE)),
            "familiar": familiar,
            "naming": naming,
            "prediction_sets": sets,
            "too_few": too_few,
        }
    )
    fitted = fit_bands(lesions, labels, fitted, modality)
    limits = [*fitted.thresholds.items(), *fitted.sent.items()]
    report(f"{modality}: " + ", ".join(f"{name} from {limit}" for name, limit in limits))
    return fitted


def fit_temperature(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """From a grid: the log loss is smooth, and a grid is deterministic."""
    losses = [metrics.log_loss(softmax(logits, t), labels) for t in TEMPERATURES]
    return float(TEMPERATURES[int(np.argmin(losses))])


def fit_familiar(
    train: NDArray[np.floating], validation: NDArray[np.floating]
) -> OutOfDistributionDetector | None:
    """The principal components of the training features. Two percent of the validation pictures
    exceed the limit. None with fewer than two training pictures.
    """
    if len(train) < 2:
        return None
    familiar = OutOfDistributionDetector.learn(train)
    limit = float(np.quantile(familiar.measure(validation), 1 - FAR_FEATURES_SHARE))
    return familiar.model_copy(update={"limit": limit}) if limit > 0 else None


def fit_naming_rule(
    labels: Sequence[str],
    probabilities: Probabilities,
    truth: Labels,
    *,
    prior: Mapping[str, float],
) -> NamingRule:
    scored = []
    for tau in TAUS.tolist():
        rule = NamingRule(tau=tau, prior=prior)
        named = name_classes([Calibration(naming=rule)] * len(truth), labels, probabilities)
        balanced = metrics.balanced_accuracy_of(named, truth)
        scored.append((rule, float((named == truth).mean()), balanced))
    plain = scored[0][1]
    allowed = [entry for entry in scored if entry[1] >= plain - MAX_ACCURACY_LOSS]
    return max(allowed, key=lambda entry: entry[2])[0]


def _shares(samples: Sequence[Sample]) -> dict[str, float]:
    counts = Counter(sample.label for sample in samples)
    return {key: counts[key] / len(samples) for key in sorted(counts)}


def fit_prediction_sets(
    validation: ModelOutputs, labels: Sequence[str], probabilities: Probabilities
) -> tuple[dict[Level, dict[str, float]], dict[Level, tuple[str, ...]]]:
    """Limits of class-conditional split conformal prediction, and for each level the classes with
    too few lesions to fit one.

    A class is in a prediction set if its probability reaches its limit, which all but the share 1 -
    level of its validation lesions do, counting one picture of each. A class with too few lesions
    uses the limit of all malignant, or of all benign, lesions.
    """
    place = {sample.image_id: row for row, sample in enumerate(validation.samples)}
    samples = validation.one_per_lesion().samples
    own = np.array([probabilities[place[s.image_id], labels.index(s.label)] for s in samples])
    malignant = conditions_table().malignant_keys
    sets: dict[Level, dict[str, float]] = {}
    too_few: dict[Level, tuple[str, ...]] = {}
    for level in LEVELS:
        limits = {}
        borrowed = []
        for key in (key for key in labels if key != NORMAL_SKIN):
            mine = own[[sample.label == key for sample in samples]]
            alike = own[[(s.label in malignant) == (key in malignant) for s in samples]]
            limit = conformal_limit(mine, float(level))
            if limit is None:
                borrowed.append(key)
                limit = conformal_limit(alike, float(level))
            # Without a limit the class is never ruled out.
            limits[key] = 0.0 if limit is None else limit
        sets[level], too_few[level] = limits, tuple(borrowed)
    return sets, too_few


def conformal_limit(scores: Probabilities, level: float) -> float | None:
    rank = int(np.floor((len(scores) + 1) * (1 - level) + 1e-9))
    return None if rank < 1 else float(np.sort(scores)[rank - 1])


def fit_joining(
    calibration: ModelCalibration,
    labels: Sequence[str],
    validation: ModelOutputs,
    *,
    report: Report,
) -> JoiningRule | None:
    lesions = validation.where(lambda sample: sample.is_lesion)
    pairs = list_pairs(lesions.samples)
    if len(pairs) < ENOUGH_PAIRS:
        return None
    logs = [
        np.log(
            calibration.for_modality(kind).probabilities(
                lesions.logits[[pair[kind] for pair in pairs]]
            )
        )
        for kind in pairs[0]
    ]
    truth = np.array([labels.index(lesions.samples[min(pair.values())].label) for pair in pairs])
    tried = [weights for weights in product(WEIGHTS.tolist(), repeat=2) if sum(weights) > 0]
    losses = [
        metrics.log_loss(softmax(first * logs[0] + second * logs[1]), truth)
        for first, second in tried
    ]
    best = dict(zip(pairs[0], tried[int(np.argmin(losses))], strict=True))
    rule = JoiningRule(**{kind.value: weight for kind, weight in best.items()})
    report(
        f"{len(pairs)} validation pairs, joined with {rule.dermoscopic:.2f} and {rule.clinical:.2f}"
    )
    return rule
