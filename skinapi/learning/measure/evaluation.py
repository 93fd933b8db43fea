from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from skinapi.learning.data.datasets import Dataset, load_pictures
from skinapi.learning.data.samples import (
    UNKNOWN,
    Sample,
    measuring_half,
    skin_tone,
)
from skinapi.learning.measure import metrics
from skinapi.learning.measure.figures import (
    REACHED,
    Figures,
    ServedPictures,
    measure_bands,
    measure_class,
    measure_each_group,
    measure_group,
    measure_predictions,
    measure_sent,
    measure_share,
    points_of,
    serve_as_if_tested,
    serve_pictures,
    short_name,
    tabulate,
)
from skinapi.learning.measure.predictions import (
    GAINS,
    Figure,
    ModelOutputs,
    ServedResult,
    bootstrap_group,
    count_as,
    lesion_classes,
    run_model,
    shared_classes,
)
from skinapi.learning.measure.told_facts import measure_told
from skinapi.learning.progress import Report
from skinapi.model.bands import OperatingPoint, most_probable
from skinapi.model.calibration import (
    LEVELS,
    HeldOutFigures,
    PointFigures,
    TonesTested,
)
from skinapi.model.classification import join_assessments
from skinapi.model.conditions import NORMAL_SKIN
from skinapi.model.context import Modality
from skinapi.model.dataset_labels import SQUAMOUS
from skinapi.model.detectors import KNOWN
from skinapi.model.network.model import Model

# The rows of a close-up and of a picture through a dermoscope of one lesion.
Pair = Mapping[Modality, int]
JOINED = "joined"


def evaluate_model(
    model: Model, dataset: Dataset, *, report: Report, not_skin: Path | None = None
) -> tuple[Figures, ModelOutputs]:
    """All figures of a model, ready for JSON, and its outputs. Every other picture of `not_skin` is
    measured; the others fitted the skin detector.
    """
    outputs = run_model(model, dataset.samples, report=report)
    figures = {
        "model_version": model.version,
        **measure_answers(model, outputs, lesions_known=dataset.lesions_known),
        "skipped": {reason: len(names) for reason, names in dataset.skipped.items()},
    }
    if dataset.others:
        others = run_model(model, dataset.others, report=report)
        figures["other_diseases"] = measure_other_diseases(model, outputs, others)
    if not_skin:
        unseen = measuring_half(load_pictures(not_skin, label="not skin"))
        pictures = run_model(model, unseen, report=report)
        figures["not_skin"] = measure_not_skin(model, outputs, pictures)
    return figures, outputs


def measure_answers(model: Model, outputs: ModelOutputs, *, lesions_known: bool) -> Figures:
    served = serve_as_if_tested(model, outputs)
    if len(shared_classes(model, outputs)) == 1:
        return _measure_one_class(served, lesions_known=lesions_known)
    rows, lesions = served.table, served.lesions
    predictions, apart = served.predict(), served.predict(apart=True)
    first = served.one_per_lesion()
    figures = {
        **measure_predictions(predictions),
        "bands": measure_bands(model, apart),
        "dropped_classes": [
            short_name(key) for key in lesion_classes() if key not in predictions.classes
        ],
        **_measure_groups(lesions),
        "refusals": measure_share("refused_share", lesions.table, lesions.table["refused"]),
        "malignant_caught": measure_each_group(first.table, "calibrated_as", measure_sent),
        "points": measure_points(model, outputs),
        "told": measure_told(model, outputs),
        "prediction_sets": _measure_prediction_sets(lesions.table),
        "gates": _count_outcomes(rows),
    }
    if rows["squamous"].any():
        figures["scc"] = _measure_squamous(rows)
        if SQUAMOUS in apart.classes:
            figures["scc"]["output"] = measure_class(apart, apart.classes.index(SQUAMOUS))
    if len(lesions.table) < len(rows) and NORMAL_SKIN in model.labels:
        figures["normal_skin"] = _measure_normal_skin(rows)
    if pairs := measure_pairs(model, outputs, served.results):
        figures["pairs"] = pairs
    if lesions_known:
        own = {**measure_predictions(first.predict()), **_measure_groups(first)}
        figures["one_per_lesion"] = own
    return figures


def _measure_one_class(served: ServedPictures, *, lesions_known: bool) -> Figures:
    """For lesions of a single class, such as melanomas of another clinic: AUC and calibration need
    a second class. Uses one picture of each lesion if the lesions are known.
    """
    own = served.one_per_lesion() if lesions_known else served.lesions
    asked = [result.assessment.probabilities for result in own.results]
    named = pd.Series([most_probable(p) for p in asked], own.table.index) == own.table["label"]
    return {
        "one_class_only": True,
        "n": len(own.table),
        "lesions": own.table["lesion"].nunique(),
        "refused": int(own.table["refused"].sum()),
        **measure_share("named", own.table, named),
        **_measure_groups(own),
        "points": measure_points(served.model, served.outputs),
        "gates": _count_outcomes(own.table),
    }


def _measure_groups(lesions: ServedPictures) -> dict[str, dict[str, Figures]]:
    groups = {column: _measure_each(lesions, column) for column in ("source", "modality")}
    for name, own in lesions.by("source").items():
        if own.table["modality"].nunique() > 1:
            groups["source"][name]["by_modality"] = _measure_each(own, "modality")
    if (lesions.table["tone"] != UNKNOWN).any():
        groups["skin_tone"] = _measure_each(lesions, "tone")
    return {f"by_{column}": figures for column, figures in groups.items()}


def _measure_each(lesions: ServedPictures, column: str) -> dict[str, Figures]:
    return {name: measure_group(group) for name, group in lesions.by(column).items()}


def _count_outcomes(rows: pd.DataFrame) -> Figures:
    return {
        "n": len(rows),
        "refused": float(rows["refused"].mean()),
        "uncertain": float(rows["in_doubt"].mean()),
        "outcomes": dict(sorted(Counter(rows["outcome"].tolist()).items())),
    }


def _measure_squamous(rows: pd.DataFrame) -> Figures:
    """By the label as written: a model may have no output for squamous cell carcinoma."""
    squamous = rows[rows["squamous"]]
    figures = {"n": len(squamous), "refused": int(squamous["refused"].sum())}
    for name in REACHED:
        figures |= measure_share(name, squamous, squamous[name])
    return figures


def _measure_prediction_sets(lesions: pd.DataFrame) -> dict[str, Figures]:
    """`too_few` marks a class whose coverage is not guaranteed."""
    by_modality = measure_each_group(lesions, "calibrated_as", _measure_levels)
    return {modality: levels for modality, levels in by_modality.items() if levels}


def _measure_levels(rows: pd.DataFrame) -> Figures:
    levels: Figures = {}
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


def _measure_sets(rows: pd.DataFrame, level: str) -> Figures:
    return {
        "n": len(rows),
        **measure_share("coverage", rows, rows[f"covered_{level}"]),
        "mean_size": float(rows[f"size_{level}"].mean()),
    }


def _measure_normal_skin(rows: pd.DataFrame) -> Figures:
    healthy = rows[~rows["is_lesion"]]
    return {
        "n": len(healthy),
        **measure_share("refused_share", healthy, healthy["refused"]),
        **measure_share("recognised", healthy, healthy["looks_healthy"]),
        **measure_share("called_malignant", healthy, healthy["called_malignant"]),
        **measure_share("lesions_taken_for_it", rows, rows["looks_healthy"], rows["is_lesion"]),
    }


def measure_not_skin(model: Model, skin: ModelOutputs, not_skin: ModelOutputs) -> Figures:
    """How well the skin detector, or else the energy score, separates these pictures from skin."""
    rows = serve_pictures(model, not_skin).table
    detector, plain = model.calibration.skin, model.calibration.dermoscopic
    scores = np.concatenate(
        [
            detector.not_skin.probability(outputs.pooled)
            if detector
            else -plain.energy(outputs.logits)
            for outputs in (skin, not_skin)
        ]
    )
    return {
        "gates": _count_outcomes(rows),
        **measure_share("refused_share", rows, rows["refused"]),
        "told_apart_by": "skin detector" if detector else "energy",
        "auroc": metrics.auc(scores, np.arange(scores.size) >= len(skin.samples)),
    }


def measure_other_diseases(model: Model, known: ModelOutputs, others: ModelOutputs) -> Figures:
    rows = serve_as_if_tested(model, others).table
    lesions = known.where(lambda sample: sample.is_lesion)
    detector = model.calibration.other_diseases
    figures = {
        **_measure_unlike(rows),
        "by_class": measure_each_group(rows, "label", _measure_unlike),
        "known": _measure_unlike(serve_as_if_tested(model, lesions).table),
        "fitted_on": detector.pictures if detector else 0,
    }
    if detector:
        scores = detector.other.probability(np.concatenate([others.pooled, lesions.pooled]))
        figures["auroc"] = metrics.auc(scores, np.arange(scores.size) < len(rows))
    return figures


def _measure_unlike(rows: pd.DataFrame) -> Figures:
    return {
        "n": len(rows),
        "lesions": rows["lesion"].nunique(),
        **measure_share("unlike", rows, rows["unlike"]),
        **measure_share("sent", rows, rows["sent"]),
        **measure_share("refused_share", rows, rows["refused"]),
    }


def list_pairs(samples: Sequence[Sample]) -> list[Pair]:
    pairs: dict[str, dict[Modality, int]] = {}
    for row in sorted(range(len(samples)), key=lambda row: samples[row].image_id):
        sample = samples[row]
        if sample.modality in KNOWN:
            pairs.setdefault(sample.lesion_key, {}).setdefault(sample.modality, row)
    return [{kind: pair[kind] for kind in KNOWN} for pair in pairs.values() if len(pair) > 1]


def measure_pairs(model: Model, outputs: ModelOutputs, results: Sequence[ServedResult]) -> Figures:
    classes = shared_classes(model, outputs)
    samples, rows, truth = [], [], []
    for pair in list_pairs(outputs.samples):
        sample = outputs.samples[min(pair.values())]
        if (label := count_as(sample.label)) in classes:
            samples.append(sample)
            rows.append(pair)
            truth.append(classes.index(label))
    if len(set(truth)) < 2:
        return {}
    labels = np.array(truth)
    draws = metrics.draw_bootstrap(list(map(bootstrap_group, samples)))
    served = {kind.value: [results[pair[kind]] for pair in rows] for kind in KNOWN}
    served[JOINED] = [_join(model, [results[row] for row in pair.values()]) for pair in rows]
    shares = {
        name: np.array([_within(result.assessment.probabilities, classes) for result in own])
        for name, own in served.items()
    }

    def measure(name: str, minus: str | None = None) -> Figures:
        figures: Figures = {}
        for key, figure in GAINS.items():

            def over(drawn: metrics.Rows, figure: Figure = figure) -> float:
                own = figure(shares[name][drawn], labels[drawn])
                return own - figure(shares[minus][drawn], labels[drawn]) if minus else own

            figures |= metrics.with_interval(key, draws, over)
        return figures

    return {
        "n": len(rows),
        **{name: measure(name) | measure_sent(tabulate(samples, served[name])) for name in served},
        "gain_over": {kind.value: measure(JOINED, minus=kind.value) for kind in KNOWN},
    }


def _join(model: Model, results: Sequence[ServedResult]) -> ServedResult:
    """Refused only if all pictures are; then the joined answer is used for figures alone."""
    accepted = [result.assessment for result in results if result.refused is None]
    assessments = accepted or [result.assessment for result in results]
    refused = None if accepted else results[0].refused
    return ServedResult(join_assessments(model.calibration, assessments), refused=refused)


def _within(probabilities: Mapping[str, float], classes: Sequence[str]) -> list[float]:
    shares = np.zeros(len(classes))
    for key, share in probabilities.items():
        if (counted := count_as(key)) in classes:
            shares[classes.index(counted)] += share
    divided: list[float] = (shares / shares.sum()).tolist()
    return divided


def measure_points(model: Model, outputs: ModelOutputs) -> dict[str, dict[str, Any]]:
    return {
        point.value: _measure_kinds(model.with_calibration(model.calibration.at(point)), outputs)
        for point in (points_of(model.calibration) if outputs.samples else ())
    }


def _measure_kinds(model: Model, outputs: ModelOutputs) -> Figures:
    served = serve_as_if_tested(model, outputs).lesions
    figures = {}
    for kind in KNOWN:
        own = served.where(served.table["calibrated_as"] == kind.value).one_per_lesion().table
        if not own.empty:
            by_source = measure_each_group(own, "source", measure_sent)
            figures[kind.value] = {**measure_sent(own), "by_source": by_source}
    return figures


def with_test_figures(model: Model, outputs: ModelOutputs) -> Model:
    calibration = model.calibration.at(OperatingPoint.CAUTIOUS)
    cautious = model.with_calibration(calibration)
    # A picture of unknown kind cannot test a kind.
    points = measure_points(model, outputs.where(lambda sample: sample.modality in KNOWN))
    tested = {
        kind.value: calibration.for_modality(kind).model_copy(
            update={
                "tested": measure_tested(cautious, outputs, kind),
                "point_figures": {
                    OperatingPoint(point): PointFigures.model_validate(kinds[kind])
                    for point, kinds in points.items()
                    if kind in kinds
                },
            }
        )
        for kind in KNOWN
        if kind is Modality.DERMOSCOPIC or calibration.clinical is not None
    }
    return model.with_calibration(calibration.model_copy(update=tested))


def measure_tested(
    model: Model, outputs: ModelOutputs, modality: Modality
) -> HeldOutFigures | None:
    """Over one picture of each lesion; None without a malignant lesion."""
    own = outputs.lesions_of(modality).one_per_lesion()
    if not own.samples:
        return None
    figures = measure_sent(serve_as_if_tested(model, own).table)
    if not figures["malignant"]:
        return None
    return HeldOutFigures(
        modality=modality,
        lesions=figures["lesions"],
        malignant=figures["malignant"],
        sensitivity=figures["caught"],
        tones=TonesTested.model_validate(Counter(filter(None, map(skin_tone, own.samples)))),
    )
