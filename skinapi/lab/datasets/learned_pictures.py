import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from skinapi.base.errors import ModelDamaged, NotFound
from skinapi.lab.datasets.dataset_images import DatasetImage
from skinapi.model.network.model import PARTS, SPLIT, read_card
from skinapi.model.registry.version_service import ModelsService


@dataclass(frozen=True, slots=True)
class LearnedPictures:
    """Maps an image id to its part. The id may be the SHA-256, if the split uses that."""

    model: str | None = None
    parts: Mapping[str, str] = field(default_factory=dict)

    def part_of(self, image_id: str, sha256: str) -> str | None:
        return self.parts.get(sha256) or self.parts.get(image_id)

    def has_learned(self, image: DatasetImage) -> bool:
        return self.part_of(image.image_id, image.sha256) in ("train", "validation")

    def knows(self, image_id: str) -> bool:
        return image_id in self.parts


def learned_by_serving(models: ModelsService) -> LearnedPictures:
    pointed = models.pointer.read().version
    if pointed is None:
        return learned_by(models.built_in)
    try:
        return _read_split(pointed, models.versions.read_split(pointed) or b"")
    except (NotFound, ModelDamaged):
        return LearnedPictures()


def learned_by(folder: Path) -> LearnedPictures:
    try:
        return _read_split(read_card(folder).version, (folder / SPLIT).read_bytes())
    except (OSError, ModelDamaged):
        return LearnedPictures()


def _read_split(version: str, content: bytes) -> LearnedPictures:
    try:
        split = json.loads(content)
        parts = {str(image): part for part in PARTS for image in split.get(part, ())}
        return LearnedPictures(version, parts)
    except (ValueError, AttributeError, TypeError):
        return LearnedPictures()
