"""Which version is in service: one document, changed by compare-and-set, that every server follows.

It also holds the versions that served before, for going back, and who changed it when and why.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from skinapi.errors import Duplicate
from skinapi.registry.errors import ModelChanged
from skinapi.registry.stored_fields import stored_fields
from skinapi.storage.ids import now
from skinapi.storage.ports import Store

DOCUMENT = "model"
MOST_EARLIER = 20
MOST_MOVES = 200
Action = Literal["promote", "rollback", "withdraw"]


class Move(BaseModel):
    """One change of the pointer. None is the built-in model: that of MODEL_PATH or the shipped."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    action: Action
    version: str | None = None
    previous: str | None = None
    by: str
    changed_at: datetime
    reason: str | None = None
    override: bool = False
    gates: str | None = None


class Serving(BaseModel):
    """What the pointer says. `earlier` are the versions before, the newest last."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    revision: int = 0
    version: str | None = None
    earlier: tuple[str | None, ...] = ()
    moves: tuple[Move, ...] = ()

    def moves_of(self, version: str | None) -> tuple[Move, ...]:
        return tuple(each for each in self.moves if version in (each.version, each.previous))


class ServingPointer:
    def __init__(self, store: Store) -> None:
        self._documents = store.collection("serving")

    def read(self) -> Serving:
        return Serving.model_validate(self._documents.get(DOCUMENT) or {})

    def move(self, before: Serving, move: Move, *, earlier: Sequence[str | None]) -> Serving:
        """Compare-and-set. Raises ModelChanged if the pointer is no longer as it was read."""
        after = Serving(
            revision=before.revision + 1,
            version=move.version,
            earlier=tuple(earlier)[-MOST_EARLIER:],
            moves=(*before.moves, move)[-MOST_MOVES:],
        )
        fields = stored_fields(after)
        if before.revision == 0:
            try:
                self._documents.insert({"id": DOCUMENT, "schema": 1, "created_at": now(), **fields})
            except Duplicate as error:
                raise ModelChanged from error
            return after
        # A field that is None is not stored.
        kept = {name: value for name, value in fields.items() if value is not None}
        ops = {"$set": kept, **({"$unset": {"version": True}} if after.version is None else {})}
        if self._documents.update({"id": DOCUMENT, "revision": before.revision}, ops) is None:
            raise ModelChanged
        return after

    def versions(self) -> Iterator[str]:
        """Every version that it names."""
        serving = self.read()
        for version in {serving.version, *serving.earlier}:
            if version is not None:
                yield version
