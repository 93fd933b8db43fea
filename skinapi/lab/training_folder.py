"""Writes a data set to a folder in the layout that training reads: a table and its pictures."""

import csv
from pathlib import Path

from skinapi.lab.images import DatasetImages
from skinapi.vision.label_tables import FACTS, TABLE_NAME
from skinapi.vision.labels import label_spellings

COLUMNS = ("image_id", "image_path", "dx", "lesion_id", "patient_id", "modality", *FACTS)


def write_training_folder(images: DatasetImages, dataset: str, folder: Path) -> None:
    """Write all pictures, under names of ours, one at a time in memory. Raises NotFound where one
    is lost.
    """
    known = label_spellings()
    pictures = folder / "images"
    pictures.mkdir(parents=True)
    with (folder / TABLE_NAME).open("w", newline="", encoding="utf-8") as table:
        writer = csv.DictWriter(table, COLUMNS)
        writer.writeheader()
        for number, image in enumerate(images.walk(dataset)):
            path = pictures / f"{number:06d}.{image.format.lower()}"
            path.write_bytes(images.read(image))
            # As written, where training knows that word: it measures some of them apart.
            spelled = image.written.lower() in known
            writer.writerow(
                {
                    "image_id": image.image_id,
                    "image_path": path.relative_to(folder).as_posix(),
                    "dx": image.written if spelled else image.label,
                    "lesion_id": image.lesion,
                    "patient_id": image.patient,
                    "modality": image.modality,
                    **image.facts,
                }
            )
