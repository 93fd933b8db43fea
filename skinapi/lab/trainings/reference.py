"""The reference data set: pictures on which all models are compared, and from which none learns.
The time that two models take is compared here, too.
"""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from PIL import Image

from skinapi.base.errors import NotFound
from skinapi.lab.datasets.dataset_images import PAGE_SIZE, DatasetImage, DatasetImages
from skinapi.lab.datasets.dataset_versions import Datasets, DatasetVersion
from skinapi.lab.file_names import comparable
from skinapi.lab.trainings.duplicate_search import DuplicateSearch, Windows, describe_picture
from skinapi.model.network.model import Model
from skinapi.model.registry.gates import PairedDifference, ReferenceData

# "lesion" or "patient", and its id.
Group = tuple[str, str]


def reference_data(dataset: DatasetVersion) -> ReferenceData:
    """What the gates need to know of a reference."""
    return ReferenceData(dataset=dataset.id, pictures=dataset.pictures)


@dataclass(frozen=True, slots=True)
class CurrentReference:
    """The reference that an admin has chosen, if any."""

    datasets: Datasets

    def read_reference(self) -> ReferenceData | None:
        reference = self.datasets.find_reference()
        return reference_data(reference) if reference else None

    def count_erased(self, dataset: str) -> int | None:
        """How many of its pictures their owners have taken back; None where it is deleted."""
        found = self.datasets.find(dataset)
        return found.erased if found and found.status == "published" else None


def list_held_out(
    images: DatasetImages, *, dataset: DatasetVersion, reference: DatasetVersion
) -> set[str]:
    """The ids of the pictures of a data set that nothing may learn from: those that are in the
    reference, copies of such a one, and in one source those of its lesions and patients; then all
    others of the same lesions and patients.
    """
    originals = _Originals(images, reference, one_source=_one_source(dataset, reference))
    groups: dict[str, set[Group]] = {}
    held: set[Group] = set()
    for batch in images.batches(dataset.id, PAGE_SIZE):
        for image, is_held in zip(batch, originals.mark_held_out(batch), strict=True):
            groups[image.id] = {("lesion", image.lesion), *_named_groups(image)}
            if is_held:
                held |= groups[image.id]
    return {identifier for identifier, named in groups.items() if named & held}


class _Originals:
    """What the reference holds."""

    def __init__(
        self, images: DatasetImages, reference: DatasetVersion, *, one_source: bool
    ) -> None:
        self._images = images
        self._known: set[str] = set()
        self._groups: set[Group] = set()
        described = []
        for image in images.walk(reference.id):
            self._known.add(image.sha256)
            self._groups |= _named_groups(image) if one_source else set()
            if (windows := self._describe(image)) is not None:
                described.append(windows)
        self._copies = DuplicateSearch(described) if described else None

    def mark_held_out(self, batch: Sequence[DatasetImage]) -> list[bool]:
        """Of each picture, whether the reference has it, or shows the same lesion or patient."""
        held = [
            image.sha256 in self._known or bool(_named_groups(image) & self._groups)
            for image in batch
        ]
        if self._copies is None:
            return held
        places, described = [], []
        for place, image in enumerate(batch):
            if not held[place] and (windows := self._describe(image)) is not None:
                places.append(place)
                described.append(windows)
        for place, is_copy in zip(places, self._copies.mark_copies(described), strict=True):
            held[place] = bool(is_copy)
        return held

    def _describe(self, image: DatasetImage) -> Windows | None:
        """None of a picture that is being erased, or whose thumbnail is damaged."""
        try:
            return describe_picture(self._images.read_file(image, thumbnail=True))
        except (NotFound, OSError):
            return None


def _named_groups(image: DatasetImage) -> set[Group]:
    """The lesion and the patient, where the data set names them."""
    groups = {("patient", image.patient)} if image.patient else set()
    return groups if image.lesion == image.image_id else {*groups, ("lesion", image.lesion)}


def _one_source(one: DatasetVersion, other: DatasetVersion) -> bool:
    """Whether equal ids in both mean the same lesion or patient. Findings have the same pseudonyms
    in each data set; of sources that nobody names, those of one owner count as one.
    """
    if one.name_key == other.name_key or (one.labels_from and other.labels_from):
        return True
    if one.source or other.source:
        return comparable(one.source) == comparable(other.source)
    return one.owner == other.owner


# Compares the time that two models take for one photo, on one machine.

PASSES = 40
DRAWS = 1000
LOW, HIGH = 25, 974  # of 1000 sorted draws: 95 %


def compare_latency(first: Model, second: Model, *, passes: int = PASSES) -> PairedDifference:
    """The medians in milliseconds, and the 95 % interval of their difference.

    The models take turns, so that whatever else the machine does slows both. For
    `PairedComparison.differences`.
    """
    pairs = [(_time(first), _time(second)) for _ in range(passes)]
    dice = random.Random(0)  # noqa: S311 (a bootstrap)
    draws = sorted(_difference(dice.choices(pairs, k=len(pairs))) for _ in range(DRAWS))
    return PairedDifference(
        first=median(one for one, _ in pairs),
        second=median(other for _, other in pairs),
        low=draws[LOW],
        high=draws[HIGH],
    )


def _difference(pairs: list[tuple[float, float]]) -> float:
    return median(other for _, other in pairs) - median(one for one, _ in pairs)


def _time(model: Model) -> float:
    picture = Image.new("RGB", (model.card.side, model.card.side), (120, 90, 80))
    started = time.perf_counter()
    model.read([picture])
    return (time.perf_counter() - started) * 1000
