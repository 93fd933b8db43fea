"""Figures of what users get: refusals, who is sent to a doctor, prediction sets, skin.

Computed from the tables of `served_pictures`, so by the rules of serving itself.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skinapi.learning.measure import metrics
from skinapi.learning.measure.prediction_figures import short_name, with_interval
from skinapi.learning.measure.predictions import ModelOutputs, predict
from skinapi.learning.measure.served_pictures import (
    REACHED,
    ServedPictures,
    serve_as_if_tested,
    serve_pictures,
)
from skinapi.model.calibration.model_calibration import LEVELS
from skinapi.model.context import Modality
from skinapi.model.network.model import Model

MELANOMA = "melanoma"


def measure_each_group(
    rows: pd.DataFrame, by: Any, figures: Callable[[pd.DataFrame], dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """The figures of each group; `by` is a column, or a name for each row."""
    return {name: figures(group) for name, group in rows.groupby(by)}


def measure_share(
    name: str, rows: pd.DataFrame, holds: pd.Series, among: pd.Series | None = None
) -> dict[str, Any]:
    """The share of the rows, or of those `among` them, for which it holds, with its 95 % interval;
    None without rows.
    """
    hit, groups = holds.to_numpy(bool), rows["group"].to_numpy()
    if among is not None:
        counted = among.to_numpy(bool)
        hit, groups = hit[counted], groups[counted]
    if not hit.size:
        return {name: None, f"{name}_interval": None}
    interval = [*metrics.wilson_interval(hit, groups.tolist())]
    return {name: float(hit.mean()), f"{name}_interval": interval}


def measure_sent(rows: pd.DataFrame) -> dict[str, Any]:
    """The counts of `PointFigures`, and their shares with intervals.

    `caught`: of the malignant lesions those sent to a doctor; `benign_below`: of the benign ones
    those not sent; `urgent_right`: of the lesions told to come this week, the malignant ones.
    """
    malignant, sent, urgent = rows["malignant"], rows["sent"], rows["told_urgent"]
    melanomas = rows["label"] == MELANOMA
    kinds = {"malignant": malignant, "benign": ~malignant, "melanomas": melanomas}
    counts = {"lesions": len(rows)}
    for kind, own in kinds.items():
        counts |= {
            kind: int(own.sum()),
            f"{kind}_sent": int((own & sent).sum()),
            f"{kind}_urgent": int((own & urgent).sum()),
        }
    return {
        **counts,
        "urgent": int(urgent.sum()),
        **measure_share("caught", rows, sent, malignant),
        **measure_share("benign_below", rows, ~sent, ~malignant),
        **measure_share("benign_told_urgent", rows, urgent, ~malignant),
        **measure_share("melanomas_told_urgent", rows, urgent, melanomas),
        **measure_share("urgent_right", rows, malignant, urgent),
    }


def measure_malignant_caught(lesions: ServedPictures) -> dict[str, dict[str, Any]]:
    """`measure_sent` by modality, of one picture of each lesion."""
    return measure_each_group(lesions.table, "calibrated_as", measure_sent)


def measure_group(rows: pd.DataFrame) -> dict[str, Any]:
    """How many malignant and benign lesions are sent to a doctor, and how soon; how many are
    refused, and how many are taken for the other modality.
    """
    told = rows["modality"] != Modality.UNKNOWN.value
    return {
        **measure_sent(rows),
        **measure_share("refused_share", rows, rows["refused"]),
        **measure_share("other_modality", rows, rows["recognised"] == "wrong", told),
    }


def count_refused(rows: pd.DataFrame) -> dict[str, Any]:
    return {"n": len(rows), "refused": int(rows["refused"].sum())}


def count_outcomes(rows: pd.DataFrame) -> dict[str, Any]:
    """The shares of refused and uncertain pictures, and the count of each outcome; the same again
    by source and by class. Counts all pictures, lesions or not.
    """
    return {
        **_count_outcomes(rows),
        "by_source": measure_each_group(rows, "source", _count_outcomes),
        "by_class": measure_each_group(rows, "label", _count_outcomes),
    }


def _count_outcomes(rows: pd.DataFrame) -> dict[str, Any]:
    return {
        "n": len(rows),
        "refused": float(rows["refused"].mean()),
        "uncertain": float(rows["in_doubt"].mean()),
        "outcomes": _count(rows["outcome"]),
    }


def _count(values: pd.Series) -> dict[str, int]:
    return dict(sorted(Counter(values.tolist()).items()))


def measure_refusals(lesions: pd.DataFrame) -> dict[str, Any]:
    """Counts of refused lesion pictures by class, source and reason."""
    return {
        **_count_refused_classes(lesions),
        "by_source": measure_each_group(lesions, "source", _count_refused_classes),
        "by_reason": _count(lesions.loc[lesions["refused"], "reason"]),
    }


def _count_refused_classes(rows: pd.DataFrame) -> dict[str, Any]:
    return {
        **count_refused(rows),
        **measure_share("refused_share", rows, rows["refused"]),
        "by_class": measure_each_group(rows, rows["label"].map(short_name), count_refused),
    }


def measure_scc(rows: pd.DataFrame) -> dict[str, Any]:
    """How many squamous cell carcinomas are sent to a doctor, and how soon.

    A model may have no output for them, so they are found by the label as their data set writes it.
    """
    squamous = rows[rows["squamous"]]
    figures = count_refused(squamous)
    for name in REACHED:
        figures |= measure_share(name, squamous, squamous[name])
    return figures


def measure_without_modality(model: Model, outputs: ModelOutputs) -> dict[str, Any]:
    """The figures for a client that names no modality, so that the model has to recognise it.

    `malignant_caught` is still grouped by the modality in the data set.
    """
    served = serve_as_if_tested(model, outputs, use_modality=False)
    untold = [replace(sample, modality=Modality.UNKNOWN) for sample in outputs.samples]
    predictions = predict(model, replace(outputs, samples=untold), served.results)
    draws = metrics.all_rows_and_draws(predictions.groups)
    return {
        "refusals": count_refused(served.lesions.table),
        "malignant_caught": measure_malignant_caught(served.one_per_lesion()),
        **with_interval(
            "named_balanced_accuracy",
            draws,
            lambda r: metrics.balanced_accuracy_of(predictions.named[r], predictions.labels[r]),
        ),
    }


def measure_prediction_sets(lesions: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """By modality, level and class: the coverage of the prediction sets and their mean size.

    `too_few` marks a class with too few validation lesions: its coverage is not guaranteed.
    """
    by_modality = measure_each_group(lesions, "calibrated_as", _measure_levels)
    return {modality: levels for modality, levels in by_modality.items() if levels}


def _measure_levels(rows: pd.DataFrame) -> dict[str, Any]:
    levels: dict[str, Any] = {}
    for level in LEVELS:
        held = rows[rows[f"size_{level}"].notna()]
        if held.empty:
            continue
        levels[level] = _measure_sets(held, level) | {
            "by_class": {
                name: _measure_sets(own, level) | {"too_few": bool(own[f"too_few_{level}"].any())}
                for name, own in held.groupby(held["label"].map(short_name))
            }
        }
    return levels


def _measure_sets(rows: pd.DataFrame, level: str) -> dict[str, Any]:
    return {
        "n": len(rows),
        **measure_share("coverage", rows, rows[f"covered_{level}"]),
        "mean_size": float(rows[f"size_{level}"].mean()),
    }


def measure_modality_recognition(rows: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """For each modality in the data sets: how often the model recognises it from the picture."""
    asked = rows[(rows["modality"] != Modality.UNKNOWN.value) & rows["detected"]]
    return {
        modality: {
            "n": len(own),
            **{
                name: int((own["recognised"] == name).sum())
                for name in ("right", "wrong", "unsure")
            },
        }
        for modality, own in asked.groupby("modality")
    }


def measure_normal_skin(rows: pd.DataFrame) -> dict[str, Any]:
    """How much normal skin is recognised, how much is called malignant, and how many lesions are
    taken for normal skin.
    """
    healthy = rows[~rows["is_lesion"]]
    return {
        **_measure_healthy(healthy),
        "by_source": measure_each_group(healthy, "source", _measure_healthy),
        "by_modality": measure_each_group(healthy, "modality", _measure_healthy),
        **measure_share("lesions_taken_for_it", rows, rows["looks_healthy"], rows["is_lesion"]),
    }


def _measure_healthy(rows: pd.DataFrame) -> dict[str, Any]:
    return {
        **count_refused(rows),
        **measure_share("recognised", rows, rows["looks_healthy"]),
        **measure_share("called_malignant", rows, rows["called_malignant"]),
    }


def measure_not_skin(model: Model, skin: ModelOutputs, not_skin: ModelOutputs) -> dict[str, Any]:
    """How many pictures that show no skin are refused, and how well an out-of-distribution score
    separates them from the pictures of skin.
    """
    rows = serve_pictures(model, not_skin).table
    scores = np.concatenate([_out_of_distribution(model, one) for one in (skin, not_skin)])
    return {
        **count_refused(rows),
        **measure_share("refused_share", rows, rows["refused"]),
        "told_apart_by": "skin detector" if model.calibration.skin else "energy",
        "auroc": metrics.auc(scores, np.arange(scores.size) >= len(skin.samples)),
        "gates": count_outcomes(rows),
    }


def _out_of_distribution(model: Model, outputs: ModelOutputs) -> NDArray[np.float64]:
    """The skin detector's probability; the energy score where the model has no detector."""
    detector = model.calibration.skin
    if detector is not None:
        return detector.not_skin.probability(outputs.pooled)
    return -model.calibration.dermoscopic.energy(outputs.logits)


def measure_other_diseases(
    model: Model, known: ModelOutputs, others: ModelOutputs
) -> dict[str, Any]:
    """Of pictures that show a disease which no model names: how many are in doubt as unlike the
    training, and how many are sent to a doctor; beside them the `known` lesions, of which the doubt
    should hold for few.
    """
    rows = serve_as_if_tested(model, others).table
    lesions = known.where(lambda sample: sample.is_lesion)
    of_lesions = serve_as_if_tested(model, lesions).table
    detector = model.calibration.other_diseases
    figures = {
        **_measure_unlike(rows),
        "by_class": measure_each_group(rows, "label", _measure_unlike),
        "known": {
            "n": len(of_lesions),
            **measure_share("unlike", of_lesions, of_lesions["unlike"]),
        },
        "fitted_on": detector.pictures if detector else 0,
    }
    if detector:
        scores = detector.other.probability(np.concatenate([others.pooled, lesions.pooled]))
        figures["auroc"] = metrics.auc(scores, np.arange(scores.size) < len(rows))
    return figures


def _measure_unlike(rows: pd.DataFrame) -> dict[str, Any]:
    return {
        "n": len(rows),
        "lesions": rows["lesion"].nunique(),
        **measure_share("unlike", rows, rows["unlike"]),
        **measure_share("sent", rows, rows["sent"]),
        **measure_share("refused_share", rows, rows["refused"]),
    }
