"""Each write is one transaction that changes all spots it concerns, so that concurrent requests
conflict.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from skinapi.accounts.auth.account import Account, Subject
from skinapi.accounts.auth.accounts import Accounts
from skinapi.accounts.auth.owners import OwnerStatus
from skinapi.base.errors import ChangedMeanwhile, Forbidden, NotFound
from skinapi.base.pages import Page, PageRequest
from skinapi.care.queue import NO_PATIENT
from skinapi.care.reminders import NO_LESION, LesionCounts
from skinapi.findings.errors import NOT_YOURS, FindingSigned, OtherPlace, ResultAwaited
from skinapi.findings.records.events import FindingsChanged, FindingSorted
from skinapi.findings.records.finding_access import FindingAccess
from skinapi.findings.records.finding_records import FindingRecords
from skinapi.findings.records.lesions import (
    Lesion,
    Lesions,
    Place,
    lie_apart,
)
from skinapi.findings.records.letters import Letters
from skinapi.findings.records.read_access import in_care
from skinapi.findings.records.service import FindingsService
from skinapi.findings.records.spots import require_spot_version
from skinapi.findings.records.stored_finding import Placed, StoredFinding, StoredFindingRow
from skinapi.findings.status.spot import awaits_result, mark_told
from skinapi.findings.status.spot_view import SpotView
from skinapi.model.context import Context
from skinapi.platform.storage.faults import Fault
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.ports import Document
from skinapi.platform.storage.records import find_or_make
from skinapi.platform.storage.unit_of_work import AuditRow, Unit, UnitOfWork, atomic

MOST_PROPOSED = 20
NOT_TO_TELL = "Only the doctor in charge can say that the patient was told"


class ShownLesion(NamedTuple):
    """A spot without findings has no `latest`; it keeps an instruction if stubs are left."""

    lesion: Lesion
    latest: StoredFindingRow | None
    status: SpotView


@dataclass(frozen=True, slots=True, kw_only=True)
class LesionsService:
    work: UnitOfWork
    lesions: Lesions
    records: FindingRecords
    counts: LesionCounts
    findings: FindingAccess
    kept: FindingsService
    accounts: Accounts
    letters: Letters
    owners: OwnerStatus

    def create_lesion(
        self, *, owner: str, place: Place, name: str | None, key: str | None
    ) -> ShownLesion:
        request_hash = hashlib.sha256(repr((place, name)).encode()).hexdigest()
        new = Lesion(
            id=new_id(),
            created_at=now(),
            owner=owner,
            place=place,
            name=name,
            idempotency_key=key,
            request_hash=request_hash,
        )
        find = partial(self.lesions.find_by_key, owner, key, request_hash)
        return self._show(find_or_make(find, lambda: self._create(new)))

    @atomic
    def _create(self, unit: Unit, new: Lesion) -> Lesion:
        self.owners.lock(new.owner)
        unit.record(AuditRow("lesion.create", by=new.owner, target=new.id, owner=new.owner))
        return self.lesions.insert(new)

    def page_owned(self, owner: str, paging: PageRequest) -> Page[ShownLesion]:
        page = self.lesions.page_owned(owner, paging)
        known = self.records.by_ids([item.latest for item in page.items if item.latest])
        newest = {finding.lesion: finding for finding in self.records.see([*known.values()])}
        others = [item.id for item in page.items if item.id not in newest]
        known_as = {name: finding.spot_view for name, finding in newest.items()}
        statuses = {**known_as, **self.records.spots.read(others)}
        return page.map_all(
            lambda lesions: [
                ShownLesion(lesion, newest.get(lesion.id), statuses[lesion.id])
                for lesion in lesions
                if lesion.id in statuses
            ]
        )

    def list_of_patient(
        self, *, patient: str, doctor: Subject, paging: PageRequest
    ) -> Page[ShownLesion]:
        """`patient` may be the id of an account that was joined to another one."""
        owner = self.accounts.find_patient(patient)
        if owner is None or not in_care(owner, doctor):
            raise NotFound(NO_PATIENT)
        self.findings.note_read([owner.id], by=doctor)
        return self.page_owned(owner.id, paging)

    def get(self, *, lesion: str, to: Subject) -> ShownLesion:
        """If the caller is the owner, the spot counts as opened."""
        spot = self.find(lesion=lesion, to=to)
        shown = self._show(spot)
        self.findings.note_opened(shown.status, owner=spot.owner, by=to)
        return shown

    def find(self, *, lesion: str, to: Subject) -> Lesion:
        spot = self.lesions.find(lesion)
        if spot is None:
            raise NotFound(NO_LESION)
        owner = self.accounts.find_by_id(spot.owner)
        own = spot.owner == to.id
        if not own and (owner is None or not self.findings.may_see(owner, to, case=spot.id)):
            raise NotFound(NO_LESION)
        self.findings.note_read([spot.owner], by=to)
        return spot

    @atomic
    def mark_told(self, unit: Unit, *, lesion: str, spot_version: int, by: Subject) -> None:
        spot = self.find(lesion=lesion, to=by)
        if not in_care(self.accounts.get(spot.owner), by):
            raise Forbidden(NOT_TO_TELL)
        unit.audit("lesion.told", by=by.id, target=spot.id, owner=spot.owner)
        before = self.records.spots.get(spot.id).spot
        require_spot_version(before, spot_version)
        self.records.spots.store(before, mark_told(before, at=now(), opened=False))
        self.records.renew_waiting([spot.id])

    def _show(self, lesion: Lesion) -> ShownLesion:
        if newest := self.records.find_newest(lesion.id):
            seen = self.records.see_one(newest)
            return ShownLesion(lesion, seen, seen.spot_view)
        return ShownLesion(lesion, None, self.records.spots.get(lesion.id))

    def page_course(
        self, *, lesion: str, to: Subject, newest_first: bool, paging: PageRequest
    ) -> Page[StoredFindingRow]:
        spot = self.find(lesion=lesion, to=to)
        page = self.records.page_of_lesion(spot.id, paging, newest_first=newest_first)
        return page.map_all(self.records.see)

    def list_course(self, *, lesion: str, to: Subject) -> list[StoredFindingRow]:
        found = self.find(lesion=lesion, to=to)
        return self.records.see(self.records.list_of_lesion(found.id))

    @atomic
    def change_lesion(self, unit: Unit, *, lesion: str, fields: Document, by: str) -> ShownLesion:
        own = self.counts.get_own(lesion, by)
        unit.audit("lesion.change", by=by, target=own.id, owner=own.owner)
        changed = self.lesions.change(own.id, fields)
        if changed is None:
            raise NotFound(NO_LESION)
        if changed.place != own.place:
            self._publish(unit, self.records.note_place(own.id))
        return self._show(changed)

    def _publish(self, unit: Unit, changed: FindingsChanged) -> None:
        unit.publish(replace(changed, alone=True))

    def delete_lesion(self, *, lesion: str, by: str) -> None:
        self.kept.delete_lesion(self.counts.get_own(lesion, by))

    @atomic
    def sort_finding(
        self, unit: Unit, *, number: str, lesion: str | None, was: str | None, by: Subject
    ) -> tuple[StoredFinding, Account]:
        """The finding must still be in the spot `was`."""
        finding, owner = self.findings.get(number=number, to=by)
        own = owner.id == by.id
        if not own and not in_care(owner, by):
            raise NotFound(NOT_YOURS)
        spot = self.counts.get_own(lesion or finding.lesion, owner.id)
        unit.audit("submission.sort", by=by.id, target=finding.id, owner=finding.owner)
        if finding.lesion == lesion or (lesion is None and spot.findings == 1):
            return finding, owner
        if was not in (None, finding.lesion):
            raise ChangedMeanwhile
        if own and finding.covered_by:
            raise FindingSigned(finding.id)
        if awaits_result(finding.spot):
            raise ResultAwaited
        if lesion is None:
            place = Place.from_told(finding.spot_view.photos[finding.id].place)
            new = Lesion(id=new_id(), created_at=now(), owner=finding.owner, place=place)
            spot = self.lesions.insert(new)
        return self.records.see_one(self._put(unit, finding, spot)), owner

    def _put(self, unit: Unit, finding: StoredFinding, spot: Lesion) -> StoredFinding:
        self._refuse_apart(spot, _place_told(finding.context))
        self._publish(unit, self.records.put_in_lesion(finding, spot.id))
        unit.publish(FindingSorted(finding))
        moved = finding.model_copy(update={"lesion": spot.id})
        self.counts.refuse_excess(self.lesions.find(spot.id))
        return moved

    def get_own_finding(self, number: str, by: Subject) -> StoredFinding:
        finding, owner = self.findings.get(number=number, to=by)
        if owner.id != by.id:
            raise NotFound(NOT_YOURS)
        return finding

    def list_at_place(self, finding: StoredFinding) -> list[ShownLesion]:
        """Spots on another side of the body come last. Without a place, the list is empty."""
        site, side = finding.context.body_site, finding.context.body_laterality
        if site is None:
            return []
        owned = self.lesions.list_recent(finding.owner)
        near = [it for it in owned if it.known_place[0] == site and it.id != finding.lesion]

        def rank(one: Lesion) -> tuple[bool, str]:
            fits = side is None or one.known_place[1] in (None, side)
            return fits, one.latest or one.id

        near.sort(key=rank, reverse=True)
        return [self._show(item) for item in near[:MOST_PROPOSED]]

    def require_open(self, owner: str, lesion: str, told: Context) -> None:
        spot = self.counts.get_own(lesion, owner)
        self.counts.refuse_excess(spot, more=1)
        self._refuse_apart(spot, _place_told(told))

    def _refuse_apart(self, spot: Lesion, told: Placed) -> None:
        """A spot without a side has the side entered with its photos."""
        there = [spot.known_place]
        if spot.known_place[1] is None:
            there += [item.photo.place for item in self.records.list_of_lesion(spot.id)]
        if any(lie_apart(one[:2], told[:2]) for one in there):
            raise OtherPlace

    def has(self, lesion: str) -> bool:
        return self.lesions.find(lesion) is not None

    def check_integrity(self) -> Iterator[Fault]:
        for owner in sorted(self.lesions.owners()):
            if not self.accounts.find_stored({owner}):
                text = f"spots of account {owner}, which is gone"
                yield Fault(text, partial(self.lesions.forget, owner), gone=owner)
        for named in self.records.named_lesions():
            if self.lesions.find(named) is None and self.records.count_in_lesion(named):
                text = f"findings name the spot {named}, which is gone"
                yield Fault(text, partial(self._restore, named))
        for lesion in self.lesions.walk_all():
            if self._is_wrong(lesion.id):
                text = f"the spot {lesion.id} does not name its newest finding and how many it has"
                yield Fault(text, partial(self._recount, lesion.id))

    @atomic
    def _is_wrong(self, _: Unit, identifier: str) -> bool:
        lesion = self.lesions.find(identifier)
        return lesion is not None and not self.counts.is_right(lesion)

    @atomic
    def _restore(self, _: Unit, identifier: str) -> None:
        newest = self.records.find_newest(identifier)
        if newest is None or self.lesions.find(identifier):
            return
        self.lesions.insert(
            Lesion(
                id=identifier,
                created_at=newest.created_at,
                owner=newest.owner,
                place=Place.from_told(newest.photo.place),
            )
        )
        self.counts.recount(identifier)

    @atomic
    def _recount(self, _: Unit, identifier: str) -> None:
        self.counts.recount(identifier)


def _place_told(told: Context) -> Placed:
    return told.body_site, told.body_laterality
