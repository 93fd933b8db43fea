"""The reference data set: pictures on which all models are compared, and from which none learns."""

from collections.abc import Callable

from skinapi.lab.datasets import Datasets, DatasetVersion
from skinapi.lab.images import DatasetImage, DatasetImages
from skinapi.lab.near_duplicates import NearIndex
from skinapi.registry.gates import ReferenceData


def reference_data(dataset: DatasetVersion) -> ReferenceData:
    """What the gates need to know of a reference."""
    return ReferenceData(dataset=dataset.id, pictures=dataset.pictures)


def current_reference(datasets: Datasets) -> ReferenceData | None:
    """The same of the one that an admin has chosen, if any."""
    found = datasets.reference()
    return reference_data(found) if found else None


def find_held_out(images: DatasetImages, *, dataset: str, reference: str) -> set[str]:
    """The ids of the pictures of a data set that nothing may learn from: those that are in the
    reference, look like one of it, or show the same lesion as such a one.
    """
    known, near = set(), NearIndex()
    for image in images.walk(reference):
        known.add(image.sha256)
        near.add(image.dhash, image.id)
    lesions: dict[str, list[str]] = {}
    held: set[str] = set()
    for image in images.walk(dataset):
        lesions.setdefault(image.lesion, []).append(image.id)
        if image.sha256 in known or any(near.near(image.dhash)):
            held.add(image.lesion)
    return {identifier for lesion in held for identifier in lesions[lesion]}


def learned_before(part_of: Callable[[str, str], str | None]) -> Callable[[DatasetImage], bool]:
    """Whether a model has learned from a picture, or was fitted on it: these measure nothing.

    `part_of(image_id, sha256)` is the picture's part in the model's split.
    """
    return lambda image: part_of(image.image_id, image.sha256) in ("train", "validation")
