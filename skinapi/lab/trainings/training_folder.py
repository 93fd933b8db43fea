"""Writes a data set to a folder in the layout that training reads: a table and its pictures."""

import csv
from collections.abc import Callable, Container
from pathlib import Path

from skinapi.errors import NotFound
from skinapi.lab.datasets.dataset_images import DatasetImage, DatasetImages
from skinapi.vision.conditions import conditions_table
from skinapi.vision.labels.label_tables import FACTS, TABLE_NAME
from skinapi.vision.labels.spellings import SQUAMOUS, label_spellings

COLUMNS = ("image_id", "image_path", "dx", "lesion_id", "patient_id", "modality", *FACTS)


def write_training_folder(
    images: DatasetImages,
    dataset: str,
    folder: Path,
    *,
    leave_out: Callable[[DatasetImage], bool] = lambda _: False,
    known: Container[str] = (),
) -> int:
    """Write the pictures, each under its id in the store, one at a time in memory; returns how many
    were left out. Raises NotFound where one is lost; a photo of a finding was erased then.

    A picture's id is its SHA-256, for a model keeps these ids, and one that somebody chose may hold
    a name. Only ids that are `known` stay: the model in service names its pictures by them.
    """
    left_out = 0
    pictures = folder / "images"
    pictures.mkdir(parents=True)
    with (folder / TABLE_NAME).open("w", newline="", encoding="utf-8") as table:
        writer = csv.DictWriter(table, COLUMNS)
        writer.writeheader()
        for image in images.walk(dataset):
            if leave_out(image):
                left_out += 1
                continue
            try:
                content = images.read_file(image)
            except NotFound:
                if images.exists(image.id):
                    raise
                continue  # it was erased (contributed_pictures.py)
            path = pictures / f"{image.id}.{image.format.lower()}"
            path.write_bytes(content)
            writer.writerow(
                {
                    "image_id": image.image_id if image.image_id in known else image.sha256,
                    "image_path": path.relative_to(folder).as_posix(),
                    "dx": _name_label(image),
                    "lesion_id": image.lesion,
                    "patient_id": image.patient,
                    "modality": image.modality,
                    **image.facts,
                }
            )
    return left_out


def _name_label(image: DatasetImage) -> str:
    """The published label, which alone counts, whatever the data set's table says. Only a carcinoma
    that was published as another class, before it was one of its own, keeps its name.
    """
    own = label_spellings().get(image.written.lower())
    within = own == SQUAMOUS and conditions_table().counted_as(SQUAMOUS) == image.label
    return SQUAMOUS if within else image.label


def count_erased(images: DatasetImages, dataset: str, folder: Path) -> int:
    """How many pictures of this folder are not in the data set any more."""
    there = {image.id for image in images.walk(dataset)}
    return sum(path.stem not in there for path in (folder / "images").glob("*"))
