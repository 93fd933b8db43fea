from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from skinapi.learning.data.samples import Sample, patient_context, source_of
from skinapi.learning.measure import metrics
from skinapi.learning.measure.figures import (
    MELANOMA,
    Figures,
    measure_sent,
    points_of,
    serve_as_if_tested,
)
from skinapi.learning.measure.predictions import (
    ModelOutputs,
    bootstrap_group,
    count_as,
    tell_nothing,
)
from skinapi.model.conditions import conditions_table
from skinapi.model.context import Context
from skinapi.model.detectors import KNOWN
from skinapi.model.network.model import Model
from skinapi.model.patient_facts import Fact


def _tell_person(sample: Sample) -> Context:
    return patient_context(sample).model_copy(update={"checklist": None})


# The facts to enter: none; age, sex and site; and also the answers about signs.
TELLING: Mapping[str, Callable[[Sample], Context]] = {
    "nothing": tell_nothing,
    "person": _tell_person,
    "signs": patient_context,
}
AT_SENSITIVITY = (0.98, 0.97, 0.95)


def measure_told(model: Model, outputs: ModelOutputs) -> dict[str, dict[str, Figures]]:
    """Figures by kind of picture and source, over one picture of each lesion with a fact that the
    model knows. {} for a model that knows none.
    """
    measured: dict[str, dict[str, Figures]] = {}
    for kind in KNOWN:
        table = model.calibration.for_modality(kind).patient_facts
        own = outputs.lesions_of(kind).one_per_lesion()
        if table is None or not own.samples:
            continue
        facts = [table.told(patient_context(sample)) for sample in own.samples]
        for source in sorted(set(map(source_of, own.samples))):
            rows = [r for r, s in enumerate(own.samples) if facts[r] and source_of(s) == source]
            if rows:
                signs = any(Fact.SIGNS in facts[row] for row in rows)
                measured.setdefault(kind.value, {})[source] = _measure_telling(
                    model, own.take(rows), ["nothing", "person", *(["signs"] if signs else [])]
                )
    return measured


def _measure_telling(model: Model, lesions: ModelOutputs, ways: Sequence[str]) -> Figures:
    labels = [count_as(sample.label, model.labels) for sample in lesions.samples]
    malignant = np.array([label in conditions_table().malignant_keys for label in labels])
    draws = metrics.draw_bootstrap(list(map(bootstrap_group, lesions.samples)))
    figures: Figures = {"n": len(labels), "malignant": int(malignant.sum())}
    scores = {}
    for way in ways:
        served = serve_as_if_tested(model, lesions, TELLING[way])
        shares = np.array(
            [[r.assessment.probabilities[key] for key in model.labels] for r in served.results]
        )
        scores[way] = score = np.array([r.assessment.malignant_score for r in served.results])
        truth = np.array([model.labels.index(label) for label in labels])
        melanoma = shares[:, model.labels.index(MELANOMA)] if MELANOMA in model.labels else score
        measured = {
            "malignant_auc": metrics.auc(score, malignant),
            "melanoma_auc": metrics.auc(melanoma, np.array([key == MELANOMA for key in labels])),
            "balanced_accuracy": metrics.balanced_accuracy(shares, truth),
            **{
                f"specificity_{share:.0%}": metrics.specificity_at_sensitivity(
                    score, malignant, share
                )
                for share in AT_SENSITIVITY
            },
        }
        figures[way] = {
            **{name: None if np.isnan(value) else value for name, value in measured.items()},
            "points": _measure_telling_at_points(model, lesions, TELLING[way]),
        }
        if way != "nothing" and 0 < malignant.sum() < len(labels):
            gain = metrics.Difference.between(
                partial(_auc_of, scores["nothing"], malignant),
                partial(_auc_of, score, malignant),
                draws,
            )
            figures[way]["gain"] = [gain.second - gain.first, gain.low, gain.high]
    return figures


def _auc_of(scores: metrics.Floats, positive: metrics.Mask, rows: metrics.Rows) -> float:
    return metrics.auc(scores[rows], positive[rows])


def _measure_telling_at_points(
    model: Model, lesions: ModelOutputs, tell: Callable[[Sample], Context]
) -> Figures:
    figures = {}
    for point in points_of(model.calibration):
        at = model.with_calibration(model.calibration.at(point))
        sent = measure_sent(serve_as_if_tested(at, lesions, tell).table)
        names = ("caught", "benign_below", "benign_told_urgent")
        figures[point.value] = {name: sent[name] for name in names}
    return figures
