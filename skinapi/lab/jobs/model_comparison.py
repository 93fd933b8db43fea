import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skinapi.lab.datasets.dataset_versions import DatasetVersion
from skinapi.lab.datasets.learned_pictures import learned_by
from skinapi.lab.datasets.reference import list_held_out, reference_data
from skinapi.lab.jobs.job_services import JobServices
from skinapi.learning.data.datasets import load_sources
from skinapi.learning.data.samples import Sample, label_for
from skinapi.learning.measure import metrics
from skinapi.learning.measure.predictions import (
    Predictions,
    bootstrap_group,
    predict,
    run_model,
    serve_outputs,
)
from skinapi.learning.progress import Report
from skinapi.model.bands import THRESHOLDS, urgency
from skinapi.model.conditions import NORMAL_SKIN, Band, conditions_table
from skinapi.model.network.model import Model, open_model, read_card
from skinapi.model.registry.gates import (
    FEWEST_LESIONS,
    SENSITIVITIES,
    GateName,
    PairedComparison,
    PairedDifference,
    ReferenceData,
)
from skinapi.platform.storage.ids import now


@dataclass(frozen=True, slots=True)
class _Served:
    urgencies: NDArray[np.int_]
    refused: metrics.Mask
    predictions: Predictions


def compare_for_gates(
    first: Model,
    second: Model,
    samples: Sequence[Sample],
    *,
    report: Report,
    reference: ReferenceData | None = None,
) -> PairedComparison:
    """Compare on pictures of the reference, or of the second model's own test part.

    Sensitivity is the share of a malignant class's lesions with at least the band of its threshold,
    counting refused ones as missed. Specificity is the share of benign lesions without a referral.
    A figure with fewer than FEWEST_LESIONS is omitted.
    """
    pair = tuple(_serve(model, samples, report) for model in (first, second))
    return PairedComparison(
        first_version=first.version,
        pictures=len(samples),
        lesions=len({sample.lesion_key for sample in samples}),
        measured_at=now(),
        part="reference" if reference else "test",
        reference=reference,
        differences=_differences(pair, samples),
    )


def _serve(model: Model, samples: Sequence[Sample], report: Report) -> _Served:
    outputs = run_model(model, samples, report=report)
    results = serve_outputs(model, outputs)
    urgencies = [urgency(result.assessment.band) for result in results]
    refused = [result.refused is not None for result in results]
    return _Served(np.array(urgencies), np.array(refused), predict(model, outputs, results))


def _differences(
    pair: tuple[_Served, ...], samples: Sequence[Sample]
) -> dict[GateName, PairedDifference]:
    groups = [bootstrap_group(sample) for sample in samples]
    # Within the seven lesion classes: a model may have no output for squamous cell carcinoma.
    labels = np.array([sample.label for sample in label_for(samples, ())])
    every = np.ones(len(samples), bool)
    differences = {GateName.REFUSED_SHARE: _compare([item.refused for item in pair], groups, every)}
    for gate, label in SENSITIVITIES.items():
        wanted = urgency(THRESHOLDS[label].band)
        caught = [(item.urgencies <= wanted) & ~item.refused for item in pair]
        if _enough(of_class := labels == label, groups):
            differences[gate] = _compare(caught, groups, of_class)
    benign = ~np.isin(labels, [*conditions_table().malignant_keys, NORMAL_SKIN])
    if _enough(benign, groups):
        spared = [item.urgencies > urgency(Band.REFERRAL) for item in pair]
        differences[GateName.SPECIFICITY] = _compare(spared, groups, benign)
    if calibration := _compare_calibration(pair):
        differences[GateName.ECE] = calibration
    return {
        gate: PairedDifference(first=d.first, second=d.second, low=d.low, high=d.high)
        for gate, d in differences.items()
        if all(map(math.isfinite, (d.first, d.second, d.low, d.high)))
    }


def _enough(rows: metrics.Mask, groups: Sequence[str]) -> bool:
    return len({groups[row] for row in np.flatnonzero(rows).tolist()}) >= FEWEST_LESIONS


def _compare(
    hits: Sequence[metrics.Mask], groups: Sequence[str], rows: metrics.Mask
) -> metrics.Difference:
    first, second = (hit[rows] for hit in hits)
    draws = metrics.draw_bootstrap([groups[row] for row in np.flatnonzero(rows).tolist()])
    return metrics.Difference.between(
        lambda drawn: float(first[drawn].mean()), lambda drawn: float(second[drawn].mean()), draws
    )


def _compare_calibration(pair: tuple[_Served, ...]) -> metrics.Difference | None:
    first, second = (item.predictions for item in pair)
    same = [s.image_id for s in first.samples] == [s.image_id for s in second.samples]
    if not same or first.classes != second.classes or not first.samples:
        return None
    return metrics.Difference.between(
        lambda drawn: metrics.ece(first.probabilities[drawn], first.labels[drawn]),
        lambda drawn: metrics.ece(second.probabilities[drawn], second.labels[drawn]),
        metrics.draw_bootstrap(first.groups),
    )


REFERENCE = "reference"
LEARNED_REFERENCE = (
    "The reference data set holds lesions that this training has learned from, because it was "
    "chosen after the training began: the model is not compared on it. Train it again"
)


@dataclass(frozen=True, slots=True)
class LearnedFrom:
    dataset: DatasetVersion
    folder: Path


def compare_on_reference(
    lab: JobServices, serving: Path | None, folder: Path, *, learned_from: LearnedFrom | None = None
) -> PairedComparison | None:
    """Compare without the pictures that the model in service was trained on. None without such
    pictures, or if the new model was trained on them: the reference may have been chosen during the
    training.
    """
    reference = lab.datasets.find_reference()
    if serving is None or reference is None:
        return None
    if learned_from and _has_learned(lab, learned_from, reference):
        lab.context.say(LEARNED_REFERENCE)
        return None
    # An attempt before may have compared with another model, or on another reference.
    against = f"{reference.id}-{reference.pictures}-{read_card(serving).version}"
    pictures = lab.context.work / "data-of-reference" / against / REFERENCE
    if not pictures.is_dir():
        learned = learned_by(serving)
        lab.write_pictures(reference, pictures, leave_out=learned.has_learned, known=learned.parts)
    modality = reference.modality or "unknown"
    samples = load_sources([f"{pictures},modality={modality}"], skip_unknown_labels=True).samples
    if not samples:
        return None
    # The state before its pictures were read: a later erasure makes it another reference.
    data = reference_data(reference)
    return compare_models(serving, folder, samples, lab.context.say, reference=data)


def _has_learned(lab: JobServices, learned_from: LearnedFrom, reference: DatasetVersion) -> bool:
    held_out = list_held_out(lab.images, dataset=learned_from.dataset, reference=reference)
    return any(path.stem in held_out for path in (learned_from.folder / "images").iterdir())


def compare_models(
    serving: Path,
    folder: Path,
    samples: Sequence[Sample],
    report: Report,
    *,
    reference: ReferenceData | None = None,
) -> PairedComparison:
    first, second = open_model(serving), open_model(folder)
    return compare_for_gates(first, second, samples, report=report, reference=reference)
