"""What people do with model versions: look, compare, promote, go back, retire, delete.

Each change is one transaction. Whoever reads the pointer to decide about a version also changes
that version's record, so that of a promotion and a deletion at the same time one is made again.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Literal, NamedTuple, Protocol, TypeVar

from skinapi.domain.field_types import count_visible
from skinapi.errors import Conflict, DiskFull, InvalidBody, ModelDamaged
from skinapi.logs import log
from skinapi.registry.gates import Gate, ReferenceData, judge_gates, summarise
from skinapi.registry.serving_pointer import (
    BROUGHT,
    Action,
    GatesNotPassed,
    ModelVersion,
    Move,
    Origin,
    Serving,
    ServingPointer,
)
from skinapi.registry.shadow import ShadowResults
from skinapi.registry.version_files import StoredFile, refuse_without_room
from skinapi.registry.version_records import ModelVersions
from skinapi.storage.faults import Fault
from skinapi.storage.ids import now
from skinapi.storage.ports import Document
from skinapi.vision.network.model import MB, ModelCard, read_card

LEAST_REASON = 10
T = TypeVar("T")


class RunAudited(Protocol):
    """Runs a change and adds its row to the audit trail, in one transaction."""

    def __call__(
        self,
        act: Callable[[], T],
        action: str,
        *,
        by: str,
        target: str,
        detail: str | Callable[[T], str | None] | None = None,
    ) -> T: ...


@dataclass(frozen=True)
class Inspected:
    """A version, with what depends on others: is it in service, and would it pass the gates?"""

    version: ModelVersion
    serving: bool
    shadow: bool
    built_in: bool
    gates: tuple[Gate, ...]
    on_current_reference: bool
    moves: tuple[Move, ...]


class Standing(NamedTuple):
    """`older`: another version is in service. `withdrawn`: it was rolled back, and when."""

    state: Literal["in_service", "older", "withdrawn"]
    withdrawn_at: datetime | None = None


class ModelsService:
    """`built_in` is the folder of the built-in model; `folder()` is where servers write others;
    `reference()` is what the reference is now; `problem()` is why this process does not serve what
    it should.
    """

    def __init__(
        self,
        *,
        versions: ModelVersions,
        pointer: ServingPointer,
        shadows: ShadowResults,
        audit: RunAudited,
        built_in: Path,
        folder: Callable[[], Path],
        reference: Callable[[], ReferenceData | None] = lambda: None,
        problem: Callable[[], str | None] = lambda: None,
    ) -> None:
        self.versions = versions
        self.shadows = shadows
        self.pointer = pointer
        self.built_in = built_in
        self._audit, self._folder, self._reference = audit, folder, reference
        self.problem = problem

    @cached_property
    def built_in_card(self) -> ModelCard | None:
        """The card of the built-in model; None where its folder cannot be read."""
        try:
            return read_card(self.built_in)
        except ModelDamaged:
            return None

    def record_built_in(self) -> None:
        """See `ModelVersions.record_built_in`."""
        if self.built_in_card:
            try:
                self.versions.record_built_in(self.built_in, self.built_in_card)
            except ModelDamaged as error:
                log.error("built-in model not recorded", reason=error.detail)

    def serving_version(self) -> str | None:
        """What the pointer names, by its version; None without any model."""
        return self.name_of(self.pointer.read().version)

    def name_of(self, pointed: str | None) -> str | None:
        """The version that the pointer means; None without any model."""
        if pointed is not None:
            return pointed
        return self.built_in_card.version if self.built_in_card else None

    def find_standing(self, version: str) -> Standing:
        """Whether this version is in service, was replaced, or was rolled back."""
        pointer = self.pointer.read()
        withdrawn_at = pointer.withdrawn.get(version)
        if withdrawn_at:
            return Standing("withdrawn", withdrawn_at)
        return Standing("in_service" if version == self.name_of(pointer.version) else "older")

    def inspect(self, *, version: str) -> Inspected:
        """Raises NotFound."""
        stored, serving = self.versions.get(version), self.pointer.read()
        in_service = self.name_of(serving.version)
        built_in = self._is_built_in(version)
        compared = stored.reference_comparison
        moves = [*serving.moves_of(version), *(serving.moves_of(None) if built_in else ())]
        return Inspected(
            version=stored,
            serving=version == in_service,
            shadow=version == serving.shadow,
            built_in=built_in,
            gates=() if version == in_service else self._gates_against(stored, in_service),
            on_current_reference=bool(compared and compared.is_current(self._reference())),
            moves=tuple(sorted(set(moves), key=lambda move: move.changed_at)),
        )

    def compare(
        self, *, first: str, second: str
    ) -> tuple[ModelVersion, ModelVersion, tuple[Gate, ...]]:
        """Both versions, and the gates of the second against the first. Raises NotFound."""
        left, right = self.versions.get(first), self.versions.get(second)
        gates = judge_gates(
            right.figures_for_gates(), left.figures_for_gates(), reference=self._reference()
        )
        return left, right, gates

    def add(self, *, folder: Path, by: str, origin: Origin = BROUGHT) -> ModelVersion:
        """Store the model of a folder as a candidate. Raises ModelDamaged, DiskFull, Conflict."""

        def change(act: Callable[[], ModelVersion], version: str) -> ModelVersion:
            return self._audit(act, "model.add", by=by, target=version)

        return self.versions.register(folder, created_by=by, origin=origin, change=change)

    def promote(
        self, *, version: str, by: str, reason: str | None = None, override: bool = False
    ) -> Serving:
        """Put a version into service, on every server.

        Without `override` it must pass all gates; with it, a reason is needed. Raises NotFound,
        GatesNotPassed, Conflict, InvalidBody, and DiskFull where no server could write its files.
        """
        if override and count_visible(reason or "") < LEAST_REASON:
            raise InvalidBody(
                f"reason: an override needs a reason of at least {LEAST_REASON} visible characters"
            )
        stored, before = self.versions.get(version), self.pointer.read()
        in_service = self.name_of(before.version)
        if version == in_service:
            raise Conflict(f"{version} is in service already")
        gates = self._gates_against(stored, in_service)
        summary = summarise(gates)
        detail = f"{summary}; override" if override else summary
        passed = override or all(gate.passed for gate in gates)
        pointed = self._pointed(stored)
        if pointed and passed:
            self._refuse_without_room(stored)
        move = Move(
            action="promote",
            version=pointed,
            previous=before.version,
            by=by,
            changed_at=now(),
            reason=reason,
            override=override,
            gates=summary,
            left=in_service,
            entered=version,
        )

        def promote() -> Serving:
            if not passed:
                failed = "; ".join(f"{gate.name}: {gate.says}" for gate in gates if not gate.passed)
                raise GatesNotPassed(
                    f"{version} does not pass the gates ({failed}). An admin can promote it with "
                    "`override` and a reason"
                )
            return self._move(before, move, earlier=(*before.earlier, before.version))

        return self._audit(promote, "model.promote", by=by, target=version, detail=detail)

    def roll_back(self, *, by: str, reason: str | None = None) -> Serving:
        """Put the version before into service again, without gates. Called again, it goes back one
        more, at last to the built-in model. A version whose files are deleted, or have no room on
        the disk, is left out. Raises Conflict where the built-in one is in service.
        """
        before = self.pointer.read()
        # The pointer forgets the oldest of `earlier`, and their files may be deleted.
        earlier = (None, *before.earlier)
        for place in reversed(range(len(earlier))):
            target = earlier[place]
            if target != before.version and self._can_serve(target):
                break
        else:
            raise Conflict("The built-in model is in service: there is none to go back to")
        name = self.name_of(target) or "built-in"
        move = Move(
            action="rollback",
            version=target,
            previous=before.version,
            by=by,
            changed_at=now(),
            reason=reason,
            left=self.name_of(before.version),
            entered=self.name_of(target),
        )

        def roll_back() -> Serving:
            return self._move(before, move, earlier=earlier[1:place])

        return self._audit(roll_back, "model.roll_back", by=by, target=name)

    def start_shadow(self, *, version: str, by: str) -> None:
        """Let this version judge a share of the photos in the background, in place of the one that
        did so far. Raises NotFound, Conflict, DiskFull.
        """
        self._refuse_without_room(self.versions.get(version))

        def unchanged(stored: ModelVersion) -> Document:
            stored.refuse_without_files()
            return {}

        def start() -> None:
            before = self.pointer.read()
            if version == self.name_of(before.version):
                raise Conflict(f"{version} is in service, so it has nothing to be compared with")
            self.versions.change(version, unchanged)
            move = _shadow_move("shadow", version, by)
            self.pointer.set_shadow(before, move, shadow=version)

        self._audit(start, "model.shadow", by=by, target=version)

    def end_shadow(self, *, version: str, by: str) -> None:
        """Raises Conflict where this version does not judge in the background."""

        def end() -> None:
            before = self.pointer.read()
            if before.shadow != version:
                raise Conflict(f"{version} is no shadow")
            move = _shadow_move("end_shadow", version, by)
            self.pointer.set_shadow(before, move, shadow=None)

        self._audit(end, "model.end_shadow", by=by, target=version)

    def retire(self, *, version: str, by: str, reason: str | None = None) -> None:
        """Take a candidate out of the choice. Its files, card and figures stay. Raises NotFound,
        Conflict.
        """
        self.versions.get(version)

        def retire() -> None:
            self._refuse_serving(version)
            self.versions.retire(version, by=by, reason=reason)

        self._audit(retire, "model.retire", by=by, target=version)

    def delete(self, *, version: str, by: str) -> None:
        """Delete a candidate or a retired version. Of one that has been in service, card and
        figures stay: findings name it. Raises NotFound, Conflict.
        """
        self.versions.get(version)

        def delete() -> tuple[StoredFile, ...]:
            self._refuse_serving(version)
            stored = self.versions.get(version)
            if stored.served_at and not stored.files:
                raise Conflict(
                    f"{version} has no files; its card stays, because findings may name it"
                )
            self.shadows.forget(version)
            return self.versions.remove(version)

        files = self._audit(delete, "model.delete", by=by, target=version)
        self.versions.delete_blobs(files)

    def faults(self) -> Iterator[Fault]:
        """Versions that are needed and have no files: a promotion puts another in their place."""
        serving = self.pointer.read()
        for version in filter(None, (serving.version, serving.shadow)):
            if not self._has_files(version):
                yield Fault(f"the model {version} is in service or a shadow, and has no files")

    def _move(self, before: Serving, move: Move, *, earlier: tuple[str | None, ...]) -> Serving:
        if move.version:
            self.versions.mark_served(move.version)
        return self.pointer.move(before, move, earlier=earlier)

    def _gates_against(self, candidate: ModelVersion, in_service: str | None) -> tuple[Gate, ...]:
        serving = self.versions.find(in_service) if in_service else None
        before = serving.figures_for_gates() if serving else None
        return judge_gates(candidate.figures_for_gates(), before, reference=self._reference())

    def _pointed(self, stored: ModelVersion) -> str | None:
        """How the pointer names this version. Raises Conflict where it has no files."""
        if self._is_built_in(stored.version) and not stored.servable:
            return None
        stored.refuse_without_files()
        return stored.version

    def _can_serve(self, version: str | None) -> bool:
        if version is None:
            return True
        stored = self.versions.find(version)
        if stored is None or not stored.servable:
            return False
        try:
            self._refuse_without_room(stored)
        except DiskFull:
            return False
        return True

    def _refuse_without_room(self, stored: ModelVersion) -> None:
        try:
            refuse_without_room(stored.files, self._folder() / stored.version)
        except DiskFull as error:
            raise DiskFull(
                f"The disk has too little room for the model {stored.version} "
                f"({stored.size / MB:.0f} MB), so nothing was changed"
            ) from error

    def _has_files(self, version: str) -> bool:
        stored = self.versions.find(version)
        return stored is not None and stored.servable

    def _refuse_serving(self, version: str) -> None:
        if version == self.pointer.read().shadow:
            raise Conflict(f"{version} is a shadow; end that first")
        if version == self.serving_version():
            raise Conflict(f"{version} is in service; promote another version first")
        if self._is_built_in(version) and not self._has_files(version):
            raise Conflict(f"{version} is the built-in model of this server (MODEL_PATH)")

    def _is_built_in(self, version: str) -> bool:
        return self.built_in_card is not None and self.built_in_card.version == version


def _shadow_move(action: Action, version: str, by: str) -> Move:
    return Move(action=action, version=version, previous=version, by=by, changed_at=now())
