"""Which version is in service, which served before, and who changed it: one document, which every
server follows; and what is stored of a version.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from skinapi.base.errors import Conflict, Duplicate
from skinapi.base.stored_record import StoredRecord
from skinapi.model.bands import OperatingPoint
from skinapi.model.network.model import ModelCard
from skinapi.model.registry.card_figures import figures_of_gates
from skinapi.model.registry.gates import PairedComparison, VersionFigures
from skinapi.model.registry.version_files import StoredFile
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.records import Records

# The errors that only the registry raises.


class GatesNotPassed(Conflict):
    code = "gates_not_passed"
    sentence = "The model does not pass the gates"


class ModelChanged(Conflict):
    code = "model_changed"
    sentence = "Another request has just changed this. Look again, then try again."


DOCUMENT = "model"
MOST_EARLIER = 20
MOST_MOVES = 200
# "withdraw" was written by older servers alone.
Action = Literal["promote", "rollback", "withdraw", "shadow", "end_shadow"]


class PointerChange(StoredRecord):
    """One change of the pointer. None is the built-in model. For a shadow, which replaces nothing,
    `previous` is the version itself. `left` and `entered` are the versions that went out of service
    and into it, which tells built-in ones apart.
    """

    action: Action
    version: str | None = None
    previous: str | None = None
    by: str
    changed_at: datetime
    reason: str | None = None
    override: bool = False
    gates: str | None = None
    left: str | None = None
    entered: str | None = None

    @property
    def replaces(self) -> bool:
        return self.action in ("promote", "rollback")


class Serving(StoredRecord):
    """What the pointer says. `earlier`: the versions before, the newest last; `shadow` judges in
    the background; `operating_point`: None is that of the setting.
    """

    revision: int = 0
    version: str | None = None
    earlier: tuple[str | None, ...] = ()
    shadow: str | None = None
    moves: tuple[PointerChange, ...] = ()
    operating_point: OperatingPoint | None = None

    @property
    def withdrawn(self) -> dict[str, datetime]:
        """The versions that were rolled back and are not in service again, with when that was."""
        found: dict[str, datetime] = {}
        for move in filter(lambda one: one.replaces, self.moves):
            found.pop(move.entered or move.version or "", None)
            left = move.left or move.previous
            if move.action == "rollback" and left:
                found[left] = move.changed_at
        return found

    def with_move(self, move: PointerChange) -> tuple[PointerChange, ...]:
        """The newest moves and this one; of older ones those that have withdrawn a version."""
        moves = (*self.moves, move)
        withdrawals = {*self.withdrawn.values()}
        older = moves[:-MOST_MOVES]
        return (
            *(one for one in older if one.action == "rollback" and one.changed_at in withdrawals),
            *moves[-MOST_MOVES:],
        )

    def moves_of(self, version: str | None) -> tuple[PointerChange, ...]:
        return tuple(move for move in self.moves if version in (move.version, move.previous))


class ServingPointer(Records[Serving]):
    collection, record = "serving", Serving

    def read(self) -> Serving:
        return self.find(DOCUMENT) or Serving()

    def move(
        self, before: Serving, move: PointerChange, *, earlier: Sequence[str | None]
    ) -> Serving:
        """Put another version into service; it is no shadow any more."""
        return self._replace(
            before,
            version=move.version,
            earlier=tuple(earlier)[-MOST_EARLIER:],
            shadow=None if before.shadow == move.version else before.shadow,
            moves=before.with_move(move),
        )

    def set_shadow(self, before: Serving, move: PointerChange, *, shadow: str | None) -> Serving:
        return self._replace(before, shadow=shadow, moves=before.with_move(move))

    def set_operating_point(self, before: Serving, point: OperatingPoint) -> Serving:
        return self._replace(before, operating_point=point)

    def _replace(self, before: Serving, **update: Any) -> Serving:
        after = before.model_copy(update={"revision": before.revision + 1, **update})
        if before.revision == 0:
            try:
                return self.insert(after, id=DOCUMENT, created_at=now())
            except Duplicate as error:
                raise ModelChanged from error
        if self._change({"id": DOCUMENT, "revision": before.revision}, **after.stored()) is None:
            raise ModelChanged
        return after


# What is stored of a model version.


# Servers of store version 4 mark a version as deleting first.
State = Literal["candidate", "retired", "deleting"]


class Change(StoredRecord):
    state: State
    by: str
    changed_at: datetime
    reason: str | None = None


class PatientPictures(StoredRecord):
    """How many `pictures` of patients of this server a version was made with, and how many of its
    data set had been erased before.
    """

    pictures: int
    erased_before: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenBack:
    """How many of a version's `pictures` of patients were erased since; None: nobody can tell."""

    version: str
    pictures: int
    erased: int | None


class Origin(StoredRecord):
    """Where a version that a job has made comes from. `comparison` is on its own test part;
    `started_from` had its weights before it learned.
    """

    parent: str | None = None
    dataset: str | None = None
    job: str | None = None
    patient_pictures: PatientPictures | None = None
    started_from: str | None = None
    comparison: PairedComparison | None = None
    reference_comparison: PairedComparison | None = None


# By an operator, from a folder.
BROUGHT: Origin = Origin()


class VersionSummary(StoredRecord):
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

    def refuse_without_files(self) -> None:
        if not self.servable:
            raise Conflict(f"The files of {self.version} are deleted")


class ModelVersion(VersionSummary):
    """A version with its card: JSON, as the folder had it. See `Origin` for the comparisons."""

    card: str
    labels: tuple[str, ...] = ()
    test_part: str | None = None
    refuses_other_pictures: bool = False
    patient_pictures: PatientPictures | None = None
    started_from: str | None = None
    comparison: PairedComparison | None = None
    reference_comparison: PairedComparison | None = None
    changes: tuple[Change, ...] = ()

    def read_card(self) -> ModelCard:
        return ModelCard.model_validate_json(self.card)

    def test_figures(self) -> dict[str, Any]:
        """The figures on its own test part."""
        figures = self.read_card().figures.get("test")
        return figures if isinstance(figures, dict) else {}

    def figures_for_gates(self) -> VersionFigures:
        # Whoever trains chooses the ids of the pictures, and so could name any test part.
        figures = self.test_figures() if self.job is None and self.test_part else {}
        return VersionFigures(
            version=self.version,
            # With fewer pictures, because of labels that one model does not know, the same list is
            # another part.
            test_part=f"{self.test_part}:{figures.get('n')}",
            figures=figures_of_gates(figures),
            comparisons=tuple(filter(None, (self.comparison, self.reference_comparison))),
            refuses_other_pictures=self.refuses_other_pictures,
        )
