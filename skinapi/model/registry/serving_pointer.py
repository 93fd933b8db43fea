from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from skinapi.base.errors import ChangedMeanwhile, Conflict, Duplicate
from skinapi.base.stored_record import StoredRecord
from skinapi.model.bands import OperatingPoint
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.records import Repository


class GatesNotPassed(Conflict):
    code = "gates_not_passed"
    sentence = "The model does not pass the gates"


DOCUMENT = "model"
MOST_EARLIER = 20
MOST_MOVES = 200
# The last three were only written by older servers.
Action = Literal["promote", "rollback", "withdraw", "shadow", "end_shadow"]


class PointerChange(StoredRecord):
    """One change of the pointer. None is the built-in model. `left` and `entered` are the versions
    that went out of service and into it, which tells built-in ones apart.
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
    """`earlier` are the previous versions, newest last. `operating_point` is None for the
    default.
    """

    revision: int = 0
    version: str | None = None
    earlier: tuple[str | None, ...] = ()
    moves: tuple[PointerChange, ...] = ()
    operating_point: OperatingPoint | None = None

    @property
    def withdrawn(self) -> dict[str, datetime]:
        found: dict[str, datetime] = {}
        for move in filter(lambda item: item.replaces, self.moves):
            found.pop(move.entered or move.version or "", None)
            left = move.left or move.previous
            if move.action == "rollback" and left:
                found[left] = move.changed_at
        return found

    def with_move(self, move: PointerChange) -> tuple[PointerChange, ...]:
        """The newest moves and this one; of older ones only those that withdrew a version."""
        moves = (*self.moves, move)
        withdrawals = {*self.withdrawn.values()}
        older = moves[:-MOST_MOVES]
        return (
            *(
                item
                for item in older
                if item.action == "rollback" and item.changed_at in withdrawals
            ),
            *moves[-MOST_MOVES:],
        )

    def moves_of(self, version: str | None) -> tuple[PointerChange, ...]:
        return tuple(move for move in self.moves if version in (move.version, move.previous))


class ServingPointer(Repository[Serving]):
    collection, record = "serving", Serving

    def read(self) -> Serving:
        return self.find(DOCUMENT) or Serving()

    def move(
        self, before: Serving, move: PointerChange, *, earlier: Sequence[str | None]
    ) -> Serving:
        return self._replace(
            before,
            version=move.version,
            earlier=tuple(earlier)[-MOST_EARLIER:],
            moves=before.with_move(move),
        )

    def set_operating_point(self, before: Serving, point: OperatingPoint) -> Serving:
        return self._replace(before, operating_point=point)

    def _replace(self, before: Serving, **update: Any) -> Serving:
        after = before.model_copy(update={"revision": before.revision + 1, **update})
        if before.revision == 0:
            try:
                return self.insert(after, id=DOCUMENT, created_at=now())
            except Duplicate as error:
                raise ChangedMeanwhile from error
        if self._change({"id": DOCUMENT, "revision": before.revision}, **after.stored()) is None:
            raise ChangedMeanwhile
        return after
