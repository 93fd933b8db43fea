"""Compares a new model with the one in service, for the gates of its promotion."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from skinapi.lab.datasets.dataset_versions import DatasetVersion
from skinapi.lab.datasets.learned_pictures import learned_by
from skinapi.lab.trainings.gate_differences import compare_for_gates
from skinapi.lab.trainings.job_services import JobServices
from skinapi.lab.trainings.reference import list_held_out, reference_data
from skinapi.learning.data.samples import Sample
from skinapi.learning.data.sources import load_sources
from skinapi.learning.progress import Report
from skinapi.registry.gates.judging import PairedComparison, ReferenceData
from skinapi.vision.network.model import open_model, read_card

REFERENCE = "reference"
LEARNED_REFERENCE = (
    "The reference data set holds lesions that this training has learned from, because it was "
    "chosen after the training began: the model is not compared on it. Train it again"
)


@dataclass(frozen=True, slots=True)
class LearnedFrom:
    """A data set, and the folder with those of its pictures that a training has read."""

    dataset: DatasetVersion
    folder: Path


def compare_on_reference(
    lab: JobServices, serving: Path | None, folder: Path, *, learned_from: LearnedFrom | None = None
) -> PairedComparison | None:
    """Compare on the reference data set, without what the model in service has learned from; None
    without a model in service, without such pictures, or where the new model has learned from its
    lesions: it may have been chosen while the training ran.
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
    # As it was before its pictures were read: what is erased since makes it another one.
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
    """The paired differences of two model folders on these pictures: of the reference, or of the
    new one's own test part.
    """
    first, second = open_model(serving), open_model(folder)
    return compare_for_gates(first, second, samples, report=report, reference=reference)
