"""What is stored of a model version."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from skinapi.registry.gates.judging import (
    Figure,
    GateName,
    Measured,
    PairedComparison,
    figures_of_gates,
)
from skinapi.registry.versions.version_files import StoredFile
from skinapi.stored_record import StoredRecord
from skinapi.vision.network.model import ModelCard

# Servers of store version 4 mark a version as deleting first.
State = Literal["candidate", "retired", "deleting"]


class Change(StoredRecord):
    """A change of a version's state."""

    state: State
    by: str
    changed_at: datetime
    reason: str | None = None


class VersionSummary(StoredRecord):
    """A version without its card."""

    id: str
    created_at: datetime
    version: str
    state: State
    architecture: str
    headline: Mapping[str, float] = {}
    files: tuple[StoredFile, ...] = ()
    created_by: str
    parent: str | None = None
    dataset: str | None = None
    job: str | None = None
    served_at: datetime | None = None
    files_deleted_at: datetime | None = None
    revision: int

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)

    @property
    def servable(self) -> bool:
        return bool(self.files) and self.state != "deleting"


class ModelVersion(VersionSummary):
    """A version with its card. `card` is JSON, as the folder had it, and `figures` is JSON with the
    figures of further test parts. `comparison` is on its own test part, `reference_comparison` on
    the reference data set.
    """

    card: str
    figures: str
    labels: tuple[str, ...] = ()
    test_part: str | None = None
    refuses_other_pictures: bool = False
    comparison: PairedComparison | None = None
    reference_comparison: PairedComparison | None = None
    changes: tuple[Change, ...] = ()

    def read_card(self) -> ModelCard:
        return ModelCard.model_validate_json(self.card)

    def read_figures(self) -> dict[str, Any]:
        """The figures of each test part that it was measured on; `test` is its own."""
        further: dict[str, Any] = json.loads(self.figures)
        own = self.read_card().figures.get("test")
        return {**({"test": own} if own else {}), **further}

    def measured(self) -> Measured:
        """What the gates read."""
        parts: dict[str, Mapping[GateName, Figure]] = {}
        # Whoever trains chooses the ids of the pictures, and so could name any test part.
        for name, figures in self.read_figures().items() if self.job is None else ():
            known = figures if isinstance(figures, dict) else {}
            part = self.test_part if name == "test" else known.get("test_part")
            if isinstance(part, str):
                # With fewer pictures, because of labels that one model does not know, the same list
                # is another part.
                parts[f"{part}:{known.get('n')}"] = figures_of_gates(known)
        compared = filter(None, (self.comparison, self.reference_comparison))
        return Measured(
            version=self.version,
            parts=parts,
            comparisons=tuple(compared),
            refuses_other_pictures=self.refuses_other_pictures,
        )
