"""Which pictures the model in service has learned from, and on which it is measured."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from skinapi.errors import ModelDamaged
from skinapi.vision.model import read_card

SPLIT = "split.json"
PARTS = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class LearnedPictures:
    """Image id, or SHA-256 where a split names pictures by it, -> part."""

    model: str | None = None
    parts: Mapping[str, str] = field(default_factory=dict)

    def part_of(self, image_id: str, sha256: str) -> str | None:
        return self.parts.get(sha256) or self.parts.get(image_id)


def learned_by(folder: Path) -> LearnedPictures:
    """What the split of this model's folder names; nothing where it came without one."""
    try:
        split = json.loads((folder / SPLIT).read_text(encoding="utf-8"))
        parts = {str(image): part for part in PARTS for image in split.get(part, ())}
        return LearnedPictures(read_card(folder).version, parts)
    except (OSError, ValueError, AttributeError, TypeError, ModelDamaged):
        return LearnedPictures()
