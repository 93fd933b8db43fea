"""What people do with model versions: look, compare, promote, go back, retire, delete.

The order of writes of a promotion: the version is marked as one that serves (`served_at`), then the
pointer moves, then the version is read again, then both versions become `retired`, which is what
they are when they do not serve. A deletion marks its version first and reads the pointer after
that. So of a promotion and a deletion at the same time at least one sees the other, and gives up.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Protocol

from skinapi.errors import Conflict, DiskFull, InvalidBody, ModelDamaged, NotFound
from skinapi.logs import log
from skinapi.registry.errors import GatesNotPassed
from skinapi.registry.gates import Gate, ReferenceData, judge, summarise
from skinapi.registry.pointer import Action, Move, Serving, ServingPointer
from skinapi.registry.shadow import ShadowResults
from skinapi.registry.version_files import refuse_without_room
from skinapi.registry.version_record import ModelVersion, VersionSummary
from skinapi.registry.versions import ModelVersions
from skinapi.storage.faults import Fault
from skinapi.storage.ids import now
from skinapi.vision.model import MB, ModelCard, read_card
from skinapi.web.pagination import Page
from skinapi.web.visible_text import count_visible

LEAST_REASON = 10
LONGEST_TARGET = 100


class Audit(Protocol):
    """Surrounds a change with an intent and an outcome in the audit trail."""

    def __call__(
        self, action: str, *, by: str, target: str, detail: str | None = None
    ) -> AbstractContextManager[None]: ...


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


class ModelsService:
    """`built_in` is the folder of the built-in model; `folder()` is where servers write others;
    `reference()` is what the reference is now.
    """

    def __init__(
        self,
        *,
        versions: ModelVersions,
        pointer: ServingPointer,
        shadows: ShadowResults,
        audit: Audit,
        built_in: Path,
        folder: Callable[[], Path],
        reference: Callable[[], ReferenceData | None] = lambda: None,
    ) -> None:
        self.versions = versions
        self.shadows = shadows
        self.pointer = pointer
        self.built_in = built_in
        self._audit, self._folder, self._reference = audit, folder, reference
        self.fault: Callable[[], str | None] = lambda: None

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

    def list_versions(self, *, after: str | None, limit: int) -> Page[VersionSummary]:
        return self.versions.find(after=after, limit=limit)

    def newest(self, *, limit: int) -> list[ModelVersion]:
        """The newest versions with their cards."""
        return self.versions.newest(limit=limit)

    def inspect(self, *, version: str) -> Inspected:
        """Raises NotFound."""
        found, serving = self.versions.get(version), self.pointer.read()
        in_service = self.name_of(serving.version)
        built_in = self._is_built_in(version)
        compared = found.reference_comparison
        moves = [*serving.moves_of(version), *(serving.moves_of(None) if built_in else ())]
        return Inspected(
            version=found,
            serving=version == in_service,
            shadow=version == serving.shadow,
            built_in=built_in,
            gates=() if version == in_service else self._judge(found, in_service),
            on_current_reference=bool(compared and compared.is_current(self._reference())),
            moves=tuple(sorted(set(moves), key=lambda move: move.changed_at)),
        )

    def compare(
        self, *, first: str, second: str
    ) -> tuple[ModelVersion, ModelVersion, tuple[Gate, ...]]:
        """Both versions, and the gates of the second against the first. Raises NotFound."""
        left, right = self.versions.get(first), self.versions.get(second)
        return left, right, judge(right.measured(), left.measured(), reference=self._reference())

    def add(self, *, folder: Path, by: str, **origin: Any) -> ModelVersion:
        """Store the model of a folder as a candidate; see `ModelVersions.register` for `origin`.

        Raises ModelDamaged, DiskFull, Conflict.
        """
        try:
            name = read_card(folder).version
        except ModelDamaged:
            name = "unreadable"
        with self._audit("model.add", by=by, target=name[:LONGEST_TARGET]):
            return self.versions.register(folder, created_by=by, **origin)

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
        found, before = self.versions.get(version), self.pointer.read()
        in_service = self.name_of(before.version)
        if version == in_service:
            raise Conflict(f"{version} is in service already")
        gates = self._judge(found, in_service)
        summary = summarise(gates)
        detail = f"{summary}; override" if override else summary
        with self._audit("model.promote", by=by, target=version, detail=detail):
            if not override and not all(gate.passed for gate in gates):
                failed = "; ".join(f"{gate.name}: {gate.says}" for gate in gates if not gate.passed)
                raise GatesNotPassed(
                    f"{version} does not pass the gates ({failed}). An admin can promote it with "
                    "`override` and a reason"
                )
            pointed = self._pointed(found)
            if pointed:
                self._refuse_without_room(found)
            move = Move(
                action="promote",
                version=pointed,
                previous=before.version,
                by=by,
                changed_at=now(),
                reason=reason,
                override=override,
                gates=summary,
            )
            return self._move(before, move, earlier=(*before.earlier, before.version))

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
        with self._audit("model.roll_back", by=by, target=name):
            move = Move(
                action="rollback",
                version=target,
                previous=before.version,
                by=by,
                changed_at=now(),
                reason=reason,
            )
            return self._move(before, move, earlier=earlier[1:place])

    def start_shadow(self, *, version: str, by: str) -> None:
        """Let this version judge a share of the photos in the background, in place of the one that
        did so far. Raises NotFound, Conflict, DiskFull.
        """
        found, before = self.versions.get(version), self.pointer.read()
        if not found.servable:
            raise Conflict(f"The files of {version} are deleted")
        if version == self.name_of(before.version):
            raise Conflict(f"{version} is in service, so it has nothing to be compared with")
        with self._audit("model.shadow", by=by, target=version):
            self._refuse_without_room(found)
            after = self.pointer.set_shadow(
                before, _shadow_move("shadow", version, by), shadow=version
            )
            # Read again after the pointer: see the top of this file.
            if not self._has_files(version):
                move = _shadow_move("end_shadow", version, "system")
                self.pointer.set_shadow(after, move, shadow=None)
                raise Conflict(f"{version} was deleted at the same time")

    def end_shadow(self, *, version: str, by: str) -> None:
        """Raises Conflict where this version does not judge in the background."""
        before = self.pointer.read()
        if before.shadow != version:
            raise Conflict(f"{version} is no shadow")
        with self._audit("model.end_shadow", by=by, target=version):
            move = _shadow_move("end_shadow", version, by)
            self.pointer.set_shadow(before, move, shadow=None)

    def retire(self, *, version: str, by: str, reason: str | None = None) -> None:
        """Take a candidate out of the choice. Its files, card and figures stay. Raises NotFound,
        Conflict.
        """
        self._refuse_serving(version)
        with self._audit("model.retire", by=by, target=version):
            self.versions.set_state(
                version, "retired", by=by, frm=("candidate", "retired"), reason=reason
            )

    def delete(self, *, version: str, by: str) -> None:
        """Delete a candidate or a retired version. Of one that has been in service, card and
        figures stay: findings name it. Raises NotFound, Conflict.
        """
        found = self.versions.get(version)
        self._refuse_serving(version)
        if found.served_at and not found.files:
            raise Conflict(f"{version} has no files; its card stays, because findings may name it")
        with self._audit("model.delete", by=by, target=version):
            self.versions.set_state(version, "deleting", by=by, frm=("candidate", "retired"))
            # Read after the mark: see the top of this file.
            now_needed = self.pointer.read()
            if version in (now_needed.version, now_needed.shadow):
                self.versions.keep(version)
                raise Conflict(f"{version} is needed; another version must take its place first")
            self.versions.remove(version)
            self.shadows.forget(version)

    def faults(self) -> Iterator[Fault]:
        """What interrupted changes have left."""
        serving = self.pointer.read()
        if serving.version and not self._has_files(serving.version):
            says = f"the model in service, {serving.version}, has no files; going back mends it"
            yield Fault(says, self._leave_lost)
        for version in {serving.version, *serving.earlier} - {None}:
            found = self.versions.find_one(version) if version else None
            if found and found.state == "candidate":
                says = f"the model {found.version} has been in service and is called {found.state}"
                yield Fault(says, partial(self._settle, found.version))
        if serving.shadow and not self._has_files(serving.shadow):
            yield Fault(f"the shadow {serving.shadow} has no files", self._end_lost_shadow)
        yield from self.versions.faults({serving.version, serving.shadow})

    def _move(self, before: Serving, move: Move, *, earlier: tuple[str | None, ...]) -> Serving:
        if move.version:
            self._mark_served(move.version)
        after = self.pointer.move(before, move, earlier=earlier)
        if move.version and not self._has_files(move.version):
            back = move.model_copy(
                update={
                    "action": "withdraw", "version": before.version, "previous": move.version,
                    "by": "system",
                }
            )  # fmt: skip
            self.pointer.move(after, back, earlier=before.earlier)
            raise Conflict(f"{move.version} was deleted at the same time")
        for version in filter(None, (move.version, before.version)):
            self._settle(version)
        return after

    def _leave_lost(self) -> None:
        self.roll_back(by="system", reason="its files are gone")

    def _end_lost_shadow(self) -> None:
        if shadow := self.pointer.read().shadow:
            self.end_shadow(version=shadow, by="system")

    def _mark_served(self, version: str) -> None:
        def decide(found: ModelVersion) -> dict[str, object]:
            if not found.servable:
                raise Conflict(f"The files of {version} are deleted")
            return {} if found.served_at else {"served_at": now()}

        self.versions.change(version, decide)

    def _settle(self, version: str) -> None:
        """A version that serves or has served is not a candidate."""
        try:
            self.versions.set_state(version, "retired", by="system", frm=("candidate", "retired"))
        except (Conflict, NotFound):
            log.error("model state not settled", version=version)

    def _judge(self, candidate: ModelVersion, in_service: str | None) -> tuple[Gate, ...]:
        serving = self.versions.find_one(in_service) if in_service else None
        before = serving.measured() if serving else None
        return judge(candidate.measured(), before, reference=self._reference())

    def _pointed(self, found: ModelVersion) -> str | None:
        """How the pointer names this version. Raises Conflict where it has no files."""
        if found.servable:
            return found.version
        if self._is_built_in(found.version):
            return None
        raise Conflict(f"The files of {found.version} are deleted")

    def _can_serve(self, version: str | None) -> bool:
        if version is None:
            return True
        found = self.versions.find_one(version)
        if found is None or not found.servable:
            return False
        try:
            self._refuse_without_room(found)
        except DiskFull:
            return False
        return True

    def _refuse_without_room(self, found: ModelVersion) -> None:
        try:
            refuse_without_room(found.files, self._folder() / found.version)
        except DiskFull as error:
            raise DiskFull(
                f"The disk has too little room for the model {found.version} "
                f"({found.size / MB:.0f} MB), so nothing was changed"
            ) from error

    def _has_files(self, version: str) -> bool:
        found = self.versions.find_one(version)
        return found is not None and found.servable

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
