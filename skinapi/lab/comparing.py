"""Compares a new model with the one in service, for the gates of its promotion."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from skinapi.lab.job_services import LabOfJob
from skinapi.lab.learned import learned_by
from skinapi.lab.reference import learned_before
from skinapi.learning.data.samples import Sample
from skinapi.learning.data.sources import load_sources
from skinapi.learning.measure.comparison import Difference
from skinapi.learning.measure.gate_differences import compare_for_gates
from skinapi.learning.progress import Report
from skinapi.registry.gates import (
    ComparedPart,
    GateName,
    PairedComparison,
    PairedDifference,
    name_test_part,
)
from skinapi.registry.latency import compare_latency
from skinapi.storage.ids import now
from skinapi.vision.model import open_model

REFERENCE = "reference"


def compare_on_reference(
    lab: LabOfJob, serving: Path | None, folder: Path
) -> PairedComparison | None:
    """Compare on the reference data set, without what the model in service has learned from; None
    without a model in service, or without such pictures.
    """
    reference = lab.datasets.reference()
    if serving is None or reference is None:
        return None
    pictures = lab.context.work / "data-of-reference" / REFERENCE
    if not pictures.is_dir():
        learned = learned_by(serving)
        lab.write_pictures(
            reference, pictures, leave_out=learned_before(learned.part_of), known=learned.parts
        )
    modality = reference.modality or "unknown"
    samples = load_sources([f"{pictures},modality={modality}"], skip_unknown_labels=True).samples
    if not samples:
        return None
    return compare_models(serving, folder, samples, "reference", lab.context.say)


def compare_models(
    serving: Path, folder: Path, samples: Sequence[Sample], part: ComparedPart, report: Report
) -> PairedComparison:
    """The paired differences of two model folders on these pictures."""
    first, second = open_model(serving), open_model(folder)
    found = compare_for_gates(first, second, samples, report=report)
    differences = _paired(found.overall)
    differences[GateName.LATENCY] = compare_latency(first, second)
    return PairedComparison(
        first_version=first.version,
        test_part=name_test_part(sample.image_id for sample in samples),
        pictures=len(samples),
        lesions=len({sample.lesion_key for sample in samples}),
        measured_at=now(),
        part=part,
        differences=differences,
        by_source={name: _paired(each) for name, each in found.by_source.items()},
    )


def _paired(found: Mapping[str, Difference]) -> dict[GateName, PairedDifference]:
    """Without figures that these pictures cannot show."""
    return {
        GateName(name): PairedDifference(first=d.first, second=d.second, low=d.low, high=d.high)
        for name, d in found.items()
        if all(map(math.isfinite, (d.first, d.second, d.low, d.high)))
    }
