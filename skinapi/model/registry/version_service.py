"""Model versions: list, promote, roll back, delete.

Each change is one transaction. A decision based on the pointer also changes the version's record,
so that a concurrent promotion and deletion conflict and one is repeated.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from skinapi.base.errors import Conflict, DiskFull, InvalidBody, ModelDamaged
from skinapi.base.field_types import count_visible
from skinapi.base.logs import log
from skinapi.model.network.model import MB, ModelCard, read_card
from skinapi.model.registry.gates import Gate, ReferenceData, judge_gates, summarise
from skinapi.model.registry.prediction_pool import ServedModel
from skinapi.model.registry.serving_pointer import (
    GatesNotPassed,
    PointerChange,
    Serving,
    ServingPointer,
)
from skinapi.model.registry.stored_version import BROUGHT, ModelVersion, Origin, TakenBack
from skinapi.model.registry.version_files import models_folder, refuse_without_room
from skinapi.model.registry.version_records import ModelVersions
from skinapi.platform.storage.faults import Fault
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.unit_of_work import Unit, UnitOfWork, atomic

LEAST_REASON = 10


class ReferenceSource(Protocol):
    def read_reference(self) -> ReferenceData | None: ...

    def count_erased(self, dataset: str) -> int | None: ...


@dataclass(frozen=True)
class InspectedVersion:
    version: ModelVersion
    serving: bool
    built_in: bool
    gates: tuple[Gate, ...]
    on_current_reference: bool
    moves: tuple[PointerChange, ...]
    taken_back: list[TakenBack]


class VersionState(NamedTuple):
    state: Literal["in_service", "older", "withdrawn"]
    withdrawn_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class ModelsService:
    """`built_in` is a folder; servers write others below `instance`. Without a `reference`, no
    comparison counts. `served` is what this process serves.
    """

    work: UnitOfWork
    versions: ModelVersions
    pointer: ServingPointer
    built_in: Path
    instance: Path
    reference: ReferenceSource | None = None
    served: ServedModel | None = None

    @property
    def problem(self) -> str | None:
        return self.served.problem if self.served else None

    @cached_property
    def built_in_card(self) -> ModelCard | None:
        try:
            return read_card(self.built_in)
        except ModelDamaged:
            return None

    def record_built_in(self) -> None:
        if self.built_in_card:
            try:
                self.versions.record_built_in(self.built_in, self.built_in_card)
            except ModelDamaged as error:
                log.error("built-in model not recorded", reason=error.detail)

    def serving_version(self) -> str | None:
        return self.name_of(self.pointer.read().version)

    def list_outputs(self) -> tuple[str, ...]:
        serving = self.serving_version()
        stored = self.versions.find(serving) if serving else None
        return stored.labels if stored else ()

    def name_of(self, pointed: str | None) -> str | None:
        if pointed is not None:
            return pointed
        return self.built_in_card.version if self.built_in_card else None

    def find_version_state(self, version: str) -> VersionState:
        pointer = self.pointer.read()
        withdrawn_at = pointer.withdrawn.get(version)
        if withdrawn_at:
            return VersionState("withdrawn", withdrawn_at)
        return VersionState("in_service" if version == self.name_of(pointer.version) else "older")

    def inspect(self, *, version: str) -> InspectedVersion:
        stored, serving = self.versions.get(version), self.pointer.read()
        in_service = self.name_of(serving.version)
        built_in = self._is_built_in(version)
        compared = stored.reference_comparison
        moves = [*serving.moves_of(version), *(serving.moves_of(None) if built_in else ())]
        return InspectedVersion(
            version=stored,
            serving=version == in_service,
            built_in=built_in,
            gates=() if version == in_service else self._gates_against(stored, in_service),
            on_current_reference=bool(compared and compared.is_current(self._reference_data())),
            moves=tuple(sorted(set(moves), key=lambda move: move.changed_at)),
            taken_back=self.list_taken_back(version),
        )

    def list_taken_back(self, version: str) -> list[TakenBack]:
        found = list[TakenBack]()
        name: str | None = version
        seen = set[str]()
        while name and name not in seen and (stored := self.versions.find(name)):
            seen.add(name)
            read = stored.patient_pictures
            if read and stored.dataset and self.reference:
                now_erased = self.reference.count_erased(stored.dataset)
                since = None if now_erased is None else now_erased - read.erased_before
                found.append(TakenBack(version=name, pictures=read.pictures, erased=since))
            name = stored.started_from
        return found

    def add(self, *, folder: Path, by: str, origin: Origin = BROUGHT) -> ModelVersion:
        return self.versions.register(folder, created_by=by, origin=origin)

    @atomic
    def promote(
        self,
        unit: Unit,
        *,
        version: str,
        by: str,
        reason: str | None = None,
        override: bool = False,
    ) -> Serving:
        """Put a version into service that passes all gates. With `override` it needs a reason
        instead.
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
        failed = [] if override else [gate for gate in gates if not gate.passed]
        pointed = self._pointed(stored)
        if pointed and not failed:
            self._refuse_without_room(stored)
        unit.audit("model.promote", by=by, target=version, detail=detail)
        if failed:
            raise GatesNotPassed(
                f"{version} does not pass the gates "
                f"({'; '.join(f'{gate.name}: {gate.says}' for gate in failed)}). An admin can "
                "promote it with `override` and a reason"
            )
        move = PointerChange(
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
        return self._move(unit, before, move, earlier=(*before.earlier, before.version))

    @atomic
    def roll_back(self, unit: Unit, *, by: str, reason: str | None = None) -> Serving:
        """Put the previous version into service again, without gates. Repeated calls go further
        back, finally to the built-in model. Versions without files, or too large for the disk, are
        skipped.
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
        entered = self.name_of(target)
        unit.audit("model.roll_back", by=by, target=entered or "built-in")
        move = PointerChange(
            action="rollback",
            version=target,
            previous=before.version,
            by=by,
            changed_at=now(),
            reason=reason,
            left=self.name_of(before.version),
            entered=entered,
        )
        return self._move(unit, before, move, earlier=earlier[1:place])

    @atomic
    def delete(self, unit: Unit, *, version: str, by: str) -> None:
        """Delete a version that is not in service. If it was once, its card and figures stay."""
        stored = self.versions.get(version)
        unit.audit("model.delete", by=by, target=version)
        self._refuse_serving(version)
        if stored.served_at and not stored.files:
            raise Conflict(f"{version} has no files; its card stays, because findings may name it")
        self.versions.remove(unit, version)

    def check_integrity(self) -> Iterator[Fault]:
        """A version in service without files can be replaced by promoting another."""
        version = self.pointer.read().version
        if version and not self._has_files(version):
            yield Fault(f"the model {version} is in service, and has no files")

    def _reference_data(self) -> ReferenceData | None:
        return self.reference.read_reference() if self.reference else None

    def _move(
        self, unit: Unit, before: Serving, move: PointerChange, *, earlier: tuple[str | None, ...]
    ) -> Serving:
        if move.version:
            self.versions.mark_served(move.version)
        unit.publish(move)
        return self.pointer.move(before, move, earlier=earlier)

    def _gates_against(self, candidate: ModelVersion, in_service: str | None) -> tuple[Gate, ...]:
        serving = self.versions.find(in_service) if in_service else None
        before = serving.for_gates() if serving else None
        return judge_gates(candidate.for_gates(), before, reference=self._reference_data())

    def _pointed(self, stored: ModelVersion) -> str | None:
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
            refuse_without_room(stored.files, models_folder(self.instance) / stored.version)
        except DiskFull as error:
            raise DiskFull(
                f"The disk has too little room for the model {stored.version} "
                f"({stored.size / MB:.0f} MB), so nothing was changed"
            ) from error

    def _has_files(self, version: str) -> bool:
        stored = self.versions.find(version)
        return stored is not None and stored.servable

    def _refuse_serving(self, version: str) -> None:
        if version == self.serving_version():
            raise Conflict(f"{version} is in service; promote another version first")
        if self._is_built_in(version) and not self._has_files(version):
            raise Conflict(f"{version} is the built-in model of this server (MODEL_PATH)")

    def _is_built_in(self, version: str) -> bool:
        return self.built_in_card is not None and self.built_in_card.version == version
