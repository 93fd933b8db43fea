from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix

from skinapi.learning.data.samples import UNKNOWN, Sample, skin_tone, source_of
from skinapi.learning.measure import metrics
from skinapi.learning.measure.predictions import (
    ModelOutputs,
    Predictions,
    ServedResult,
    bootstrap_group,
    calibration_modality,
    name_result,
    predict,
    serve_outputs,
    shared_classes,
    tell_nothing,
)
from skinapi.model.bands import THRESHOLDS, OperatingPoint, keys_of_threshold, urgency
from skinapi.model.calibration import (
    ENOUGH_TESTED,
    LEVELS,
    Calibration,
    HeldOutFigures,
    ModelCalibration,
)
from skinapi.model.conditions import NORMAL_SKIN, Band, conditions_table
from skinapi.model.context import Context, Modality
from skinapi.model.detectors import KNOWN
from skinapi.model.finding import Doubt
from skinapi.model.network.model import Model

MELANOMA = "melanoma"
# A refused picture has no band.
REACHED = {
    "sent": Band.DOCTOR_REVIEW,
    "referral_or_higher": Band.REFERRAL,
    "told_urgent": Band.URGENT_REFERRAL,
}
Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ServedPictures:
    model: Model
    outputs: ModelOutputs
    results: Sequence[ServedResult]
    table: pd.DataFrame

    @property
    def lesions(self) -> "ServedPictures":
        return self.where(self.table["is_lesion"])

    def where(self, chosen: pd.Series) -> "ServedPictures":
        rows = np.flatnonzero(chosen).tolist()
        results = [self.results[row] for row in rows]
        return ServedPictures(self.model, self.outputs.take(rows), results, self.table.iloc[rows])

    def one_per_lesion(self) -> "ServedPictures":
        lesions = self.table[self.table["is_lesion"]]
        first = lesions.sort_values("image_id").drop_duplicates("lesion").index
        return self.where(self.table.index.isin(first))

    def by(self, column: str) -> dict[str, "ServedPictures"]:
        names = self.table[column]
        return {name: self.where(names == name) for name in sorted(names.unique())}

    def predict(self, *, apart: bool = False) -> Predictions:
        return predict(self.model, self.outputs, self.results, apart=apart)


def serve_pictures(
    model: Model, outputs: ModelOutputs, tell: Callable[[Sample], Context] = tell_nothing
) -> ServedPictures:
    results = serve_outputs(model, outputs, tell)
    return ServedPictures(model, outputs, results, tabulate(outputs.samples, results))


def serve_as_if_tested(
    model: Model, outputs: ModelOutputs, tell: Callable[[Sample], Context] = tell_nothing
) -> ServedPictures:
    """Omit one rule of serving: no band below doctor_review for a modality with few tested lesions.
    With that rule a new model would have a sensitivity of 1 on any data.
    """
    calibration = model.calibration
    measured = calibration.model_copy(
        update={kind.value: _as_if_tested(calibration.for_modality(kind), kind) for kind in KNOWN}
    )
    served = serve_pictures(model.with_calibration(measured), outputs, tell)
    return ServedPictures(model, outputs, served.results, served.table)


def _as_if_tested(calibration: Calibration, modality: Modality) -> Calibration:
    tested = HeldOutFigures(
        modality=modality, lesions=ENOUGH_TESTED, malignant=ENOUGH_TESTED, sensitivity=0.0
    )
    return calibration.model_copy(update={"tested": tested})


def tabulate(samples: Sequence[Sample], results: Sequence[ServedResult]) -> pd.DataFrame:
    """A row for each picture, with the labels of its data set and the result for a user.

    - `modality`: that of the data set; `calibrated_as`: whose calibration was used
    - `group`: the unit that a bootstrap draws; `tone`: the skin tone
    - `sent`, `referral_or_higher`, `told_urgent`: the band is this one or more urgent
    - `taken_for_other`: the modality was recognised wrongly
    - `size_…`, `covered_…`, `too_few_…`: the prediction set of each level
    """
    return pd.DataFrame(map(_row, samples, results))


def _row(sample: Sample, result: ServedResult) -> Figures:
    told, refused = result.assessment, result.refused is not None
    malignant = conditions_table().malignant_keys
    probabilities = told.probabilities
    most_probable = max(probabilities, key=lambda key: probabilities[key])
    recognised = told.modality.recognised
    return {
        "image_id": sample.image_id,
        "label": sample.label,
        "source": source_of(sample),
        "modality": sample.modality.value,
        "calibrated_as": calibration_modality(sample, result).value,
        "tone": skin_tone(sample) or UNKNOWN,
        "lesion": sample.lesion_key,
        "group": bootstrap_group(sample),
        "is_lesion": sample.is_lesion,
        "squamous": sample.is_squamous,
        "malignant": sample.label in malignant,
        "refused": refused,
        "outcome": name_result(result),
        "in_doubt": not refused and bool(told.reasons),
        "unlike": Doubt.UNLIKE_TRAINING in told.reasons,
        "looks_healthy": most_probable == NORMAL_SKIN,
        "called_malignant": not refused and told.stated in malignant,
        "taken_for_other": recognised not in (Modality.UNKNOWN, sample.modality),
        **{
            name: not refused and urgency(told.band) <= urgency(band)
            for name, band in REACHED.items()
        },
        **_sets(sample, result),
    }


def _sets(sample: Sample, result: ServedResult) -> Figures:
    sets = {each.level: each for each in result.assessment.not_ruled_out}
    row: Figures = {}
    for level in LEVELS:
        own = sets.get(level)
        row |= {
            f"size_{level}": len(own.keys) if own else np.nan,
            f"covered_{level}": own is not None and sample.label in own.keys,
            f"too_few_{level}": own is not None and sample.label in own.too_few,
        }
    return row


def measure_each_group(
    rows: pd.DataFrame, by: str | pd.Series, figures: Callable[[pd.DataFrame], Figures]
) -> dict[str, Figures]:
    return {name: figures(group) for name, group in rows.groupby(by)}


def measure_share(
    name: str, rows: pd.DataFrame, holds: pd.Series, among: pd.Series | None = None
) -> Figures:
    counted = None if among is None else among.to_numpy(bool)
    return metrics.share_with_interval(name, holds.to_numpy(bool), rows["group"].tolist(), counted)


def measure_sent(rows: pd.DataFrame) -> Figures:
    """The counts of `PointFigures`, and their shares with intervals. `urgent_right` is the share of
    malignant lesions among those with the advice to come this week.
    """
    malignant, sent, urgent = rows["malignant"], rows["sent"], rows["told_urgent"]
    melanomas = rows["label"] == MELANOMA
    counts = {"lesions": len(rows), "urgent": int(urgent.sum())}
    for kind, own in (("malignant", malignant), ("benign", ~malignant), ("melanomas", melanomas)):
        counts |= {
            kind: int(own.sum()),
            f"{kind}_sent": int((own & sent).sum()),
            f"{kind}_urgent": int((own & urgent).sum()),
        }
    return {
        **counts,
        **measure_share("caught", rows, sent, malignant),
        **measure_share("benign_below", rows, ~sent, ~malignant),
        **measure_share("benign_told_urgent", rows, urgent, ~malignant),
        **measure_share("melanomas_told_urgent", rows, urgent, melanomas),
        **measure_share("urgent_right", rows, malignant, urgent),
    }


def points_of(calibration: ModelCalibration) -> Iterator[OperatingPoint]:
    own = [kind for kind in (calibration.dermoscopic, calibration.clinical) if kind is not None]
    return (point for point in OperatingPoint if all(point in kind.sent for kind in own))


def measure_predictions(predictions: Predictions) -> Figures:
    p, y = predictions.probabilities, predictions.labels
    named, stated = predictions.named, predictions.stated
    draws = metrics.draw_bootstrap(predictions.groups)
    measured: dict[str, metrics.OverRows] = {
        "macro_auc": lambda r: metrics.macro_auc(p[r], y[r]),
        "balanced_accuracy": lambda r: metrics.balanced_accuracy(p[r], y[r]),
        "named_balanced_accuracy": lambda r: metrics.balanced_accuracy_of(named[r], y[r]),
        "stated_balanced_accuracy": lambda r: metrics.balanced_accuracy_of(stated[r], y[r]),
        "ece": lambda r: metrics.ece(p[r], y[r]),
    }
    figures: Figures = {
        "n": int(y.size),
        "lesions": len({sample.lesion_key for sample in predictions.samples}),
        "refused": int(predictions.refused.sum()),
    }
    for name, figure in measured.items():
        figures |= metrics.with_interval(name, draws, figure)
    classes = range(len(predictions.classes))
    return figures | {
        "accuracy": float((p.argmax(axis=1) == y).mean()),
        "log_loss": metrics.log_loss(p, y),
        "per_class": {
            short_name(predictions.classes[index]): measure_class(predictions, index, draws)
            for index in classes
        },
        "confusion": confusion_matrix(y, p.argmax(axis=1), labels=classes).tolist(),
    }


def measure_class(
    predictions: Predictions, index: int, draws: Sequence[metrics.Rows] | None = None
) -> Figures:
    groups = predictions.groups
    draws = metrics.draw_bootstrap(groups) if draws is None else draws
    scores, positive = predictions.probabilities[:, index], predictions.labels == index
    chosen, named = predictions.probabilities.argmax(axis=1) == index, predictions.named == index
    return {
        "condition": predictions.classes[index],
        "n": int(positive.sum()),
        **metrics.share_with_interval("sensitivity", chosen, groups, positive),
        **metrics.share_with_interval("specificity", ~chosen, groups, ~positive),
        **metrics.with_interval("auc", draws, lambda r: metrics.auc(scores[r], positive[r])),
        **metrics.share_with_interval("named_sensitivity", named, groups, positive),
    }


def measure_group(group: ServedPictures) -> Figures:
    """Classes that the group lacks are omitted; figures of classes need two."""
    rows = group.table
    told = rows["modality"] != Modality.UNKNOWN.value
    figures = {
        **measure_sent(rows),
        **measure_share("refused_share", rows, rows["refused"]),
        **measure_share("other_modality", rows, rows["taken_for_other"], told),
    }
    if len(shared_classes(group.model, group.outputs)) < 2:
        lesions = rows["lesion"].nunique()
        return {**figures, "n": len(rows), "lesions": lesions, "one_class_only": True}
    figures |= measure_predictions(group.predict())
    patients = {(s.source, s.patient_id) for s in group.outputs.samples if s.patient_id}
    melanoma = figures["per_class"].get("mel", {})
    return {
        **figures,
        "patients": len(patients) or None,
        "melanoma_auc": melanoma.get("auc"),
        "melanoma_auc_interval": melanoma.get("auc_interval"),
    }


def measure_bands(model: Model, predictions: Predictions) -> dict[str, Figures]:
    figures: dict[str, Figures] = {}
    point, kinds = model.calibration.operating_point, predictions.calibrated_as.tolist()
    used = {kind: model.calibration.for_modality(Modality(kind)) for kind in set(kinds)}
    for name in THRESHOLDS:
        keys = keys_of_threshold(name)
        places = [index for index, key in enumerate(predictions.classes) if key in keys]
        scores = predictions.probabilities[:, places].sum(axis=1)
        positive = np.isin(predictions.labels, places)
        if positive.any() and not positive.all():
            limits = {kind: calibration.limits(point)[name] for kind, calibration in used.items()}
            chosen = scores >= np.array([limits[kind] for kind in kinds])
            figures[name] = {
                "threshold": min(limits.values()) if len(set(limits.values())) == 1 else None,
                "sensitivity": metrics.sensitivity(chosen, positive),
                "specificity": metrics.specificity(chosen, positive),
            }
    return figures


def short_name(key: str) -> str:
    return conditions_table().by_key(key).dx or key
