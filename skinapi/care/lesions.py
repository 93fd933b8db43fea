"""The use cases of spots: create, show, change, join, delete, and sort findings into them.

Each that writes is one transaction, and changes the spots that it concerns; so of two at once, one
comes after the other, and each answer was true.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from skinapi.accounts.auth.account import Subject
from skinapi.accounts.auth.accounts import Accounts
from skinapi.accounts.auth.owners import OwnerStatus
from skinapi.base.errors import NotFound
from skinapi.base.pages import Page, PageRequest
from skinapi.care.message_records import Messages, MessagesUnread
from skinapi.care.queue import NO_PATIENT
from skinapi.care.reminders import NO_LESION, LesionCounts
from skinapi.findings.errors import NOT_YOURS, OtherPlace
from skinapi.findings.records.events import FindingsChanged
from skinapi.findings.records.finding_access import FindingAccess
from skinapi.findings.records.finding_records import FindingRecords
from skinapi.findings.records.lesions import (
    JoinedWithItself,
    Lesion,
    Lesions,
    Place,
    SortedElsewhere,
    TooManyLesions,
    lie_apart,
)
from skinapi.findings.records.letters import Letters
from skinapi.findings.records.read_access import in_care
from skinapi.findings.records.stored_finding import Placed
from skinapi.findings.records.visible_findings import VisibleFinding, VisibleFindingRow
from skinapi.findings.status.lesion_status import Instruction
from skinapi.model.context import Context
from skinapi.platform.notices.outbox import Kind
from skinapi.platform.storage.faults import Fault
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.numbers import FINDINGS
from skinapi.platform.storage.ports import Document
from skinapi.platform.storage.records import find_or_make
from skinapi.platform.storage.unit_of_work import AuditRow, Unit, UnitOfWork, atomic
from skinapi.platform.storage.unreadable import hide, is_hidden

MOST_PROPOSED = 20
OF_PLACE = ("body_site", "body_laterality", "body_side")


class ShownLesion(NamedTuple):
    """A spot and its newest finding."""

    lesion: Lesion
    latest: VisibleFindingRow | None

    @property
    def instruction(self) -> Instruction | None:
        """What is to be done about it; None without a finding."""
        return self.latest.instruction if self.latest else None


@dataclass(frozen=True, slots=True, kw_only=True)
class LesionsService:
    """`most` is how many spots an account may have."""

    work: UnitOfWork
    lesions: Lesions
    records: FindingRecords
    counts: LesionCounts
    findings: FindingAccess
    accounts: Accounts
    messages: Messages
    letters: Letters
    owners: OwnerStatus
    most: int

    def create_lesion(
        self, *, owner: str, place: Place, name: str | None, key: str | None
    ) -> ShownLesion:
        """A retry gets the spot of the first request."""
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
        return self._insert(unit, new, by=new.owner)

    def _insert(self, unit: Unit, new: Lesion, *, by: str) -> Lesion:
        self.owners.lock(new.owner)
        if self.lesions.count_of(new.owner) >= self.most:
            raise TooManyLesions(self.most)
        unit.record(AuditRow("lesion.create", by=by, target=new.id, owner=new.owner))
        return self.lesions.insert(new)

    def list_own(self, *, owner: str, paging: PageRequest) -> Page[ShownLesion]:
        return self._page(owner, paging)

    def _page(self, owner: str, paging: PageRequest) -> Page[ShownLesion]:
        page = self.lesions.page_owned(owner, paging)
        known = self.records.by_ids([item.latest for item in page.items if item.latest])
        newest = {finding.lesion: finding for finding in self.records.see([*known.values()])}
        return page.map_all(
            lambda lesions: [
                ShownLesion(lesion, newest.get(lesion.id))
                for lesion in lesions
                if not (lesion.latest and is_hidden(FINDINGS, lesion.latest))
                or not hide("lesions", lesion.id)
            ]
        )

    def list_of_patient(
        self, *, patient: str, doctor: Subject, paging: PageRequest
    ) -> Page[ShownLesion]:
        """`patient` may be the id of an account that was joined to another one."""
        owner = self.accounts.find_staying(patient)
        if owner is None or not in_care(owner, doctor):
            raise NotFound(NO_PATIENT)
        self.findings.note_read([owner.id], by=doctor)
        return self._page(owner.id, paging)

    def get(self, *, lesion: str, to: Subject) -> ShownLesion:
        """A spot that the caller may see; of one that was joined to another, that one: a mail may
        name it.
        """
        spot = self.find(lesion=lesion, to=to)
        return self._show(spot)

    def find(self, *, lesion: str, to: Subject) -> Lesion:
        """The same, without what holds about it."""
        spot = self.lesions.find_kept(lesion) or self.lesions.find_joined(lesion)
        if spot is None:
            raise NotFound(NO_LESION)
        owner = self.accounts.find_by_id(spot.owner)
        own = spot.owner == to.id and not spot.deleted_at
        if not own and (owner is None or not self.findings.may_see(owner, to, case=spot.id)):
            raise NotFound(NO_LESION)
        self.findings.note_read([spot.owner], by=to)
        return spot

    def _show(self, lesion: Lesion) -> ShownLesion:
        newest = self.records.find_newest(lesion.id)
        return ShownLesion(lesion, self.records.see_one(newest) if newest else None)

    def page_course(
        self, *, lesion: str, to: Subject, newest_first: bool, paging: PageRequest
    ) -> Page[VisibleFindingRow]:
        spot = self.find(lesion=lesion, to=to)
        page = self.records.page_of_lesion(spot.id, paging, newest_first=newest_first)
        return page.map_all(self.records.see)

    def list_course(self, *, lesion: str, to: Subject) -> list[VisibleFindingRow]:
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
            before = self.records.places_of(own.id)
            told = self._note_place(changed, by=by)
            self._publish(unit, self.records.place_lesion(own.id, changed.place.known))
            self._tell_of_place(changed, before, told, by=by)
        return self._show(changed)

    def _tell_of_place(
        self, spot: Lesion, before: Mapping[str, Placed], told: Sequence[int], *, by: str
    ) -> None:
        """Tell the doctor in charge of decided photos that are said to be elsewhere now, but of
        those in `told`.
        """
        moved = [
            item.number
            for item in self.records.see(self.records.list_of_lesion(spot.id))
            if item.decision and item.photo.place != before.get(item.id) and item.number not in told
        ]
        tell = self.findings.unassigned.tell_of_correction
        tell(Kind.PLACE_CORRECTED, self.accounts.get(spot.owner), moved, by=by)

    def _note_place(self, spot: Lesion, *, by: str, finding: str | None = None) -> list[int]:
        """A signed letter that names another place of the spot counts no more. Of one `finding`
        that comes to the spot, or of all that are in it. Return the numbers of those findings.
        """
        findings = [finding] if finding else [*self.records.numbers_in_lesion(spot.id)]
        misplaced = self.letters.note_place(findings, spot.place.written)
        told = sorted(item.number for item in self.records.by_ids([*misplaced]).values())
        if told:
            patient = self.accounts.get(spot.owner)
            tell = self.findings.unassigned.tell_of_correction
            tell(Kind.LETTER_OUTDATED, patient, told, by=by)
        return told

    def _publish(self, unit: Unit, changed: FindingsChanged) -> None:
        unit.publish(replace(changed, by_sorting=True))

    @atomic
    def delete_lesion(self, unit: Unit, *, lesion: str, by: str) -> None:
        """Its findings stay, in no spot; its messages stay with the doctor in charge."""
        own = self.counts.get_own(lesion, by)
        if self.messages.count_waiting_by_lesion(by).get(own.id):
            raise MessagesUnread
        unit.audit("lesion.delete", by=by, target=own.id, owner=own.owner)
        kept = self.messages.has_any(own.id)
        self._publish(unit, self.records.leave_lesion(own.id, keep=kept))
        if kept:
            self.lesions.close(own.id)
        else:
            self.lesions.remove(own.id)

    @atomic
    def join_lesion(self, unit: Unit, *, lesion: str, joined: str, by: str) -> ShownLesion:
        """The same again is answered as then."""
        kept = self.counts.get_own(lesion, by)
        if kept.id == joined:
            raise JoinedWithItself
        if kept.joined == joined:
            return self._show(kept)
        other = self.counts.get_own(joined, by)
        unit.audit("lesion.join", by=by, target=kept.id, detail=joined, owner=kept.owner)
        self.counts.refuse_excess(kept, more=other.findings)
        told = [item.photo.place for item in self.records.list_of_lesion(other.id)]
        self._refuse_apart(kept, [other.place.known, *told])
        self._publish(unit, self.records.move_to_lesion(other.id, kept.id, kept.place.known))
        self.messages.move_all(other.id, kept.id)
        self.lesions.remove(other.id)
        self.lesions.change(kept.id, {"joined": other.id})
        self._note_place(kept, by=by)
        return self._show(self.counts.recount(kept.id) or kept)

    @atomic
    def begin_other_photo(
        self,
        unit: Unit,
        *,
        number: str,
        owner: str,
        lesion: str | None,
        told: Context,
        by: Subject,
    ) -> tuple[str, Context]:
        """Find the spot of a photo in place of that of the finding, and what is told with it: both
        are in that `lesion`, else in the finding's own, else in a new one where the finding was
        told to be.
        """
        finding, found = self.findings.get(number=number, to=by)
        if found.id != owner:
            raise NotFound(NOT_YOURS)
        if finding.lesion and lesion in (None, finding.lesion):
            return finding.lesion, told
        if lie_apart(finding.photo.place[:2], _place_told(told)):
            raise OtherPlace
        if finding.context.body_site:
            place = {name: getattr(finding.context, name) for name in OF_PLACE}
            known = {name: value for name, value in place.items() if value}
            told = told.model_copy(update=known)
        if lesion is None:
            place_told = Place.from_told(told)
            new = Lesion(id=new_id(), created_at=now(), owner=owner, place=place_told)
            lesion = self._insert(unit, new, by=by.id).id
        unit.record(AuditRow("submission.sort", by=by.id, target=finding.id, owner=owner))
        self._put(unit, finding, self.counts.get_own(lesion, owner), by=by.id)
        return lesion, told

    @atomic
    def sort_finding(
        self,
        unit: Unit,
        *,
        number: str,
        lesion: str | None,
        may_leave: Callable[[str | None], bool],
        by: Subject,
    ) -> VisibleFinding:
        finding = self.get_own_finding(number, by)
        spot = self.counts.get_own(lesion, by.id) if lesion else None
        unit.audit("submission.sort", by=by.id, target=finding.id, owner=finding.owner)
        if finding.lesion == lesion:
            return finding
        if not may_leave(finding.lesion):
            raise SortedElsewhere
        return self.records.see_one(self._put(unit, finding, spot, by=by.id))

    def _put(
        self, unit: Unit, finding: VisibleFinding, spot: Lesion | None, *, by: str
    ) -> VisibleFinding:
        if spot:
            # What was decided was said of the place where its spot was.
            told = finding.photo.place if finding.decision else _place_told(finding.context)
            self._refuse_apart(spot, [told])
            self._note_place(spot, by=by, finding=finding.id)
        lesion, placed = (spot.id, spot.place.known) if spot else (None, None)
        self._publish(unit, self.records.put_in_lesion(finding.id, lesion, placed))
        moved = finding.model_copy(update={"lesion": lesion})
        self.counts.enter(moved)
        if finding.lesion:
            self.counts.recount(finding.lesion)
        return moved

    def get_own_finding(self, number: str, by: Subject) -> VisibleFinding:
        finding, owner = self.findings.get(number=number, to=by)
        if owner.id != by.id:
            raise NotFound(NOT_YOURS)
        return finding

    def list_at_place(self, finding: VisibleFinding) -> list[ShownLesion]:
        """The spots of its owner where a finding is, but its own: the one with the newest finding
        first, and last what is on another side of the body than was told. None where nobody told
        where the finding is.
        """
        owned = self.lesions.page_owned(finding.owner, PageRequest(self.most)).items
        site, side = finding.context.body_site, finding.context.body_laterality
        near = [item for item in owned if item.place.site == site and item.id != finding.lesion]

        def rank(one: Lesion) -> tuple[bool, str]:
            fits = side is None or one.place.laterality in (None, side)
            return fits, one.latest or one.id

        near.sort(key=rank, reverse=True)
        return [self._show(item) for item in near[:MOST_PROPOSED]]

    def require_open(self, owner: str, lesion: str, told: Context) -> None:
        spot = self.counts.get_own(lesion, owner)
        self.counts.refuse_excess(spot, more=1)
        self._refuse_apart(spot, [_place_told(told)])

    def _refuse_apart(self, spot: Lesion, told: Sequence[Placed]) -> None:
        """A spot of which no side is known has the side that was told of its photos."""
        there = [spot.place.known]
        if spot.place.known[1] is None:
            there += [item.photo.place for item in self.records.list_of_lesion(spot.id)]
        if any(lie_apart(one[:2], other[:2]) for one in there for other in told):
            raise OtherPlace

    def has(self, lesion: str) -> bool:
        """Whether it is there, or was deleted and is kept with its messages."""
        return self.lesions.find_kept(lesion) is not None

    def check_integrity(self) -> Iterator[Fault]:
        """Find what a restore by hand leaves."""
        for owner in sorted(self.lesions.owners()):
            if not self.accounts.find_stored({owner}):
                text = f"spots of account {owner}, which is gone"
                yield Fault(text, partial(self.lesions.forget, owner), gone=owner)
        for named in self.records.named_lesions():
            if self.lesions.find(named) is None and self.records.count_in_lesion(named):
                text = f"findings name the spot {named}, which is gone"
                yield Fault(text, partial(self.records.move_to_lesion, named, None))
        for lesion in self.lesions.walk_all():
            if self._is_wrong(lesion.id):
                text = (
                    f"the spot {lesion.id} does not name its newest finding and how many it has, "
                    "or its findings not where it is"
                )
                yield Fault(text, partial(self._recount, lesion.id))

    @atomic
    def _is_wrong(self, _: Unit, identifier: str) -> bool:
        lesion = self.lesions.find(identifier)
        return lesion is not None and not self.counts.is_right(lesion)

    @atomic
    def _recount(self, unit: Unit, identifier: str) -> None:
        if changed := self.counts.place(identifier):
            unit.publish(changed)


def _place_told(told: Context) -> Placed:
    return told.body_site, told.body_laterality
