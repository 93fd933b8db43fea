"""Compares answers to the same pictures, with paired bootstrap intervals: of two models, of one
picture and two of a lesion, without and with age, sex and body site.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skinapi.base.errors import BadDataset
from skinapi.learning.data.samples import Sample, patient_context, skin_tone
from skinapi.learning.measure import metrics
from skinapi.learning.measure.prediction_figures import with_interval
from skinapi.learning.measure.predictions import (
    ModelOutputs,
    Predictions,
    ServedResult,
    bootstrap_group,
    count_as,
    shared_classes,
)
from skinapi.learning.measure.served_figures import measure_sent
from skinapi.learning.measure.served_pictures import tabulate
from skinapi.model.calibration.detectors import KNOWN
from skinapi.model.calibration.model_calibration import ModelCalibration
from skinapi.model.calibration.probability_adjustments import PatientFactsTable
from skinapi.model.conditions import conditions_table
from skinapi.model.context import Modality
from skinapi.model.finding.assessment import Assessment
from skinapi.model.finding.join_assessments import join_assessments
from skinapi.model.network.model import Model

Figure = Callable[[metrics.Floats, metrics.Labels], float]
# Of a lesion the rows of a close-up and of a picture through a dermoscope.
Pair = Mapping[Modality, int]
JOINED = "joined"

GAINS: Mapping[str, Figure] = {
    "macro_auc": metrics.macro_auc,
    "balanced_accuracy": metrics.balanced_accuracy,
}
FIGURES: Mapping[str, Figure] = {**GAINS, "log_loss": metrics.log_loss, "ece": metrics.ece}
# The share of the malignant lesions that are sent to a doctor at the standard operating point.
SENT = 0.98


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure of two models, and the 95 % interval of second minus first.

    From a paired bootstrap by patient, or by lesion where the patient is not known.
    """

    first: float
    second: float
    low: float
    high: float

    @classmethod
    def of(
        cls,
        first: Callable[[metrics.Rows], float],
        second: Callable[[metrics.Rows], float],
        draws: Sequence[metrics.Rows],
        rows: int,
    ) -> "Difference":
        """Of a figure over so many rows."""
        low, high = metrics.bootstrap_interval(lambda drawn: second(drawn) - first(drawn), draws)
        everything = np.arange(rows)
        return cls(first(everything), second(everything), low, high)

    @property
    def resolved(self) -> bool:
        """Whether the interval excludes zero."""
        return self.low > 0 or self.high < 0

    def __str__(self) -> str:
        # Not "equal": with more pictures the difference may turn out real.
        verdict = "" if self.resolved else ", not resolved"
        return (
            f"{self.first:.4f} -> {self.second:.4f}: {self.second - self.first:+.4f} "
            f"[{self.low:+.4f}, {self.high:+.4f}]{verdict}"
        )


def compare_predictions(
    first: Predictions, second: Predictions, figures: Mapping[str, Figure] | None = None
) -> dict[str, Difference]:
    """Compares the predictions of two models for the same pictures.

    The bootstrap is paired: each draw takes the same lesions from both. Otherwise easy and hard
    lesions would add noise that both models share.
    """
    answers = (first, second)
    if [s.image_id for s in first.samples] != [
        s.image_id for s in second.samples
    ] or first.classes != second.classes:
        raise BadDataset("Only answers to the same pictures and classes can be compared")
    draws = metrics.draw_bootstrap(first.groups)

    def of(figure: Figure, side: int, rows: metrics.Rows) -> float:
        return figure(answers[side].probabilities[rows], answers[side].labels[rows])

    return {
        name: Difference.of(
            partial(of, figure, 0), partial(of, figure, 1), draws, first.labels.size
        )
        for name, figure in (figures or choose_figures(first)).items()
    }


def choose_figures(predictions: Predictions) -> Mapping[str, Figure]:
    """The usual figures, the AUC of melanoma where the labels hold it, and, where they hold both,
    how well malignant is told from benign: AUC, and specificity where SENT of the malignant are
    found.
    """
    figures = dict(FIGURES)
    keys = conditions_table().malignant_keys
    malignant = [place for place, key in enumerate(predictions.classes) if key in keys]
    if "melanoma" in predictions.classes:
        place = predictions.classes.index("melanoma")
        figures["melanoma_auc"] = lambda p, y: metrics.auc(p[:, place], y == place)
    if 0 < len(malignant) < len(predictions.classes):
        figures["malignant_auc"] = lambda p, y: metrics.auc(
            p[:, malignant].sum(axis=1), np.isin(y, malignant)
        )
        figures[f"specificity_at_{SENT:.0%}"] = lambda p, y: metrics.specificity_at_sensitivity(
            p[:, malignant].sum(axis=1), np.isin(y, malignant), SENT
        )
    return figures


def split_by_group(predictions: Predictions) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """The rows of each source and kind of picture, each kind, and each skin tone that is known,
    where they hold two classes.
    """
    groups: dict[str, list[int]] = {}
    for row, sample in enumerate(predictions.samples):
        names = [f"{sample.source}, {sample.modality}", f"all {sample.modality}"]
        if (tone := skin_tone(sample)) is not None:
            names.append(f"{tone} skin")
        for name in names:
            groups.setdefault(name, []).append(row)
    for name, rows in sorted(groups.items()):
        if np.unique(predictions.labels[rows]).size > 1:
            yield name, np.isin(np.arange(len(predictions.samples)), rows)


def list_pairs(samples: Sequence[Sample]) -> list[Pair]:
    """For each lesion with both kinds of picture, the row of the first one of each kind by name."""
    found: dict[str, dict[Modality, int]] = {}
    for row in sorted(range(len(samples)), key=lambda row: samples[row].image_id):
        sample = samples[row]
        if sample.modality in KNOWN:
            found.setdefault(sample.lesion_key, {}).setdefault(sample.modality, row)
    return [{kind: pair[kind] for kind in KNOWN} for pair in found.values() if len(pair) > 1]


def measure_pairs(
    model: Model, outputs: ModelOutputs, results: Sequence[ServedResult]
) -> dict[str, Any]:
    """The figures of each picture alone and of the joined answer, and how much better that is; {}
    without pairs of two classes.
    """
    classes = shared_classes(model, outputs)
    pairs = [p for p in list_pairs(outputs.samples) if _label(outputs, p) in classes]
    truth = np.array([classes.index(_label(outputs, pair)) for pair in pairs])
    if len(set(truth.tolist())) < 2:
        return {}
    samples = [outputs.samples[min(pair.values())] for pair in pairs]
    draws = metrics.all_rows_and_draws(list(map(bootstrap_group, samples)))
    told = [[results[row] for row in pair.values()] for pair in pairs]
    joined = [join_assessments(model.calibration, [one.assessment for one in p]) for p in told]
    answers: dict[str, Sequence[Assessment]] = {
        **{kind.value: [one[place].assessment for one in told] for place, kind in enumerate(KNOWN)},
        JOINED: joined,
    }
    served: dict[str, Sequence[ServedResult]] = {
        **{kind.value: [one[place] for one in told] for place, kind in enumerate(KNOWN)},
        JOINED: [_serve_joined(model, one) for one in told],
    }
    shares = {
        name: np.array([_over(one.probabilities, classes) for one in given])
        for name, given in answers.items()
    }
    return {
        "n": len(pairs),
        **{
            name: _measure({**GAINS, "ece": metrics.ece}, p, truth, draws)
            | measure_sent(tabulate(samples, served[name]))
            for name, p in shares.items()
        },
        "gain_over": {
            kind.value: _measure(GAINS, shares[JOINED], truth, draws, minus=shares[kind.value])
            for kind in KNOWN
        },
    }


def _label(outputs: ModelOutputs, pair: Pair) -> str:
    return count_as(outputs.samples[min(pair.values())].label)


def _over(probabilities: Mapping[str, float], classes: Sequence[str]) -> list[float]:
    shares = np.zeros(len(classes))
    for key, share in probabilities.items():
        if (counted := count_as(key)) in classes:
            shares[classes.index(counted)] += share
    divided: list[float] = (shares / shares.sum()).tolist()
    return divided


def _serve_joined(model: Model, results: Sequence[ServedResult]) -> ServedResult:
    """Refused only where all pictures are."""
    accepted = [one.assessment for one in results if one.refused is None]
    if not accepted:
        return results[0]
    return ServedResult(join_assessments(model.calibration, accepted), refused=None)


def _measure(
    figures: Mapping[str, Figure],
    p: metrics.Floats,
    truth: metrics.Labels,
    draws: Sequence[metrics.Rows],
    minus: metrics.Floats | None = None,
) -> dict[str, Any]:
    """With `minus` the paired differences, the same lesions drawn for both."""

    def measure(figure: Figure, rows: metrics.Rows) -> float:
        own = figure(p[rows], truth[rows])
        return own if minus is None else own - figure(minus[rows], truth[rows])

    measured: dict[str, Any] = {}
    for name, figure in figures.items():
        measured |= with_interval(name, draws, partial(measure, figure))
    return measured


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
