"""Stored findings with what holds about them and their spots (lesions), made of the photos and
reviews in the store; and moving findings from one spot to another.
"""

from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise
from typing import overload

from skinapi.base.errors import FindingInError, RecordDamaged
from skinapi.base.pages import Page, PageRequest
from skinapi.findings.records.events import FindingsChanged
from skinapi.findings.records.stored_finding import (
    PLACE,
    Placed,
    StoredFinding,
    StoredFindingRow,
    StoredFindingSummary,
    place_of,
)
from skinapi.findings.records.stored_findings import FIELDS, TOUCH, StoredFindings, in_spot
from skinapi.findings.records.visible_findings import (
    VisibleFinding,
    VisibleFindingRow,
    VisibleFindingSummary,
    rest_keys,
    see_with,
)
from skinapi.findings.status.decisions import JudgedVersion
from skinapi.findings.status.lesion_status import (
    JudgedPhoto,
    LesionHistory,
    LesionStatus,
    MeasuredChange,
)
from skinapi.findings.status.reviews import Reviews
from skinapi.platform.storage.ids import new_id
from skinapi.platform.storage.numbers import FINDINGS
from skinapi.platform.storage.ports import Document, Filter, Store, set_or_remove
from skinapi.platform.storage.unreadable import hide, is_hidden, read_each

PHOTO_FIELDS = (
    *("number", "band", "created_at", "lesion", "photo_blob"),
    *("version", "judged_at", "earlier", "changes", "opened_at", "placed"),
    *(f"context.{name}" for name in PLACE),
)


class FindingRecords(StoredFindings):
    """The findings, their versions and their reviews: what a service that shows findings needs."""

    def __init__(self, store: Store, reviews: Reviews) -> None:
        super().__init__(store)
        self.reviews = reviews

    @overload
    def see(
        self, entries: Sequence[StoredFinding], *, with_errors: bool = False
    ) -> list[VisibleFinding]: ...

    @overload
    def see(
        self,
        entries: Sequence[StoredFindingSummary],
        *,
        with_errors: bool = False,
    ) -> list[VisibleFindingSummary]: ...

    @overload
    def see(
        self, entries: Sequence[StoredFindingRow], *, with_errors: bool = False
    ) -> list[VisibleFindingRow]: ...

    def see(
        self, entries: Sequence[StoredFindingRow], *, with_errors: bool = False
    ) -> Sequence[VisibleFindingRow]:
        """See findings with what holds about their spots, for two queries; none that are in error.

        A request that only reads sees none of a spot of which a photo or review cannot be read.
        """
        found = [entry for entry in entries if with_errors or entry.error is None]
        facts = dict[str, LesionHistory]()
        for spot in self._read_histories(record.lesion for record in found).values():
            facts |= dict.fromkeys((photo.id for photo in spot.photos), spot)
        # In error, or moved to another spot since it was read.
        alone = [record for record in found if record.id not in facts and not _is_hidden(record.id)]
        reviews = self.reviews.list_of_each([item.id for item in alone if not item.error])
        facts |= {item.id: LesionHistory((item.photo,), reviews) for item in alone}
        return [see_with(record, facts[record.id]) for record in found if not _is_hidden(record.id)]

    @overload
    def see_one(self, finding: StoredFinding, *, with_errors: bool = False) -> VisibleFinding: ...

    @overload
    def see_one(
        self, finding: StoredFindingRow, *, with_errors: bool = False
    ) -> VisibleFindingRow: ...

    def see_one(self, finding: StoredFindingRow, *, with_errors: bool = False) -> VisibleFindingRow:
        if finding.error and not with_errors:
            raise FindingInError(finding.error.reason)
        for seen in self.see([finding], with_errors=with_errors):
            return seen
        raise RecordDamaged

    def compute_statuses(self, lesions: Sequence[str]) -> dict[str, LesionStatus]:
        histories = self._read_histories(lesions)
        return {lesion: facts.lesion_status for lesion, facts in histories.items()}

    def renew(self, lesions: Collection[str]) -> FindingsChanged:
        """Call it in the transaction in which findings of these spots change, come or leave; the
        caller publishes the result.
        """
        again = self.renew_keys(lesions)
        return FindingsChanged(self.note_changes(lesions), counts_again=again)

    def note_changes(self, lesions: Collection[str]) -> list[StoredFindingRow]:
        """Let readers who ask for what has changed find these, in the caller's transaction; each
        gets an id of its own, by which pages continue. Return them, for the caller to publish.
        """
        found = self._find_in(lesions, FIELDS[StoredFindingRow])
        self._documents.set_each({record["id"]: {"changed": new_id()} for record in found})
        return self._read_each_as(StoredFindingRow, found)

    def renew_keys(
        self, lesions: Collection[str], *, known: VisibleFindingRow | None = None
    ) -> list[str]:
        """Give these the keys by which lists sort them, by what holds now, which `known` shows if
        it is given. Call it in the transaction of what changed that. Return those of which what was
        decided counts again: its owner may have read something milder since it was opened.
        """
        again = list[str]()
        for item, keys in self.list_changed_keys(lesions, known=known):
            changed = set_or_remove(keys)
            if keys["due_key"] and not item.due_key and item.decision_opened_at:
                changed = set_or_remove({**keys, "opened_at": None})
                again.append(item.id)
            self._documents.update({"id": item.id}, changed)
        return again

    def list_changed_keys(
        self, lesions: Collection[str], *, known: VisibleFindingRow | None = None
    ) -> list[tuple[VisibleFindingRow, dict[str, str | None]]]:
        """List the findings that `renew_keys` gives other keys, each with all of them."""
        found = self._read_each_as(
            StoredFindingRow, self._find_in(lesions, FIELDS[StoredFindingRow])
        )
        seen = [see_with(item, known.facts) for item in found] if known else []
        seen = seen or self.see(found)
        spots: dict[str, list[VisibleFindingRow]] = {}
        for item in seen:
            spots.setdefault(item.lesion, []).append(item)
        changed = list[tuple[VisibleFindingRow, dict[str, str | None]]]()
        for spot in spots.values():
            rests = rest_keys(spot)
            for item in spot:
                keys = {**item.make_keys(), "rest_key": rests[item.id]}
                if keys != {name: getattr(item, name) for name in keys}:
                    changed.append((item, keys))
        return changed

    def _find_in(self, lesions: Iterable[str], fields: tuple[str, ...] | None) -> list[Document]:
        """Find the findings of these spots that are not in error."""
        if not (spots := sorted({*lesions})):
            return []
        wanted: Filter = {"lesion": {"$in": spots}, "error": None}
        return self._documents.find(wanted, sort="lesion", fields=fields)

    def count_in_lesion(self, lesion: str) -> int:
        return self._documents.count(in_spot(lesion))

    def find_newest(self, lesion: str) -> StoredFindingRow | None:
        found = self._find(StoredFindingRow, in_spot(lesion), sort="-id", limit=1)
        return StoredFindingRow.model_validate(found[0]) if found else None

    def page_of_lesion(
        self, lesion: str, paging: PageRequest, *, newest_first: bool
    ) -> Page[StoredFindingRow]:
        sort = "-id" if newest_first else "id"
        return self._page_of(StoredFindingRow, in_spot(lesion), paging, sort=sort)

    def list_of_lesion(self, lesion: str) -> list[StoredFindingRow]:
        return self._views(StoredFindingRow, in_spot(lesion))

    def numbers_in_lesion(self, lesion: str) -> dict[str, int]:
        found = self._documents.find(in_spot(lesion), fields=("number",))
        return {record["id"]: record["number"] for record in found}

    def by_ids(self, identifiers: list[str]) -> dict[str, StoredFindingRow]:
        """Findings that are deleted are left out."""
        found = self._views(StoredFindingRow, {"id": {"$in": identifiers}})
        return {item.id: item for item in found}

    def numbers_of(self, identifiers: list[str]) -> dict[str, int]:
        found = self._documents.find({"id": {"$in": identifiers}}, fields=("number",))
        return dict(read_each(FINDINGS, found, _number_of))

    def put_in_lesion(self, finding: StoredFinding, lesion: str, placed: Placed) -> FindingsChanged:
        """Move a finding to another spot, which is `placed` there."""
        both = (finding.lesion, lesion)
        self._note_seen(both)
        moved: Document = {"$set": {"lesion": lesion, "placed": [*placed]}}
        self._documents.update({"id": finding.id}, {**moved, **TOUCH})
        self._mark_uncompared(lesion, finding.id)
        return self.renew(both)

    def place_lesion(self, lesion: str, placed: Placed) -> FindingsChanged:
        """The spot is said to be there."""
        before = self.places_of(lesion)
        self._documents.update_all(in_spot(lesion), {"$set": {"placed": [*placed]}})
        after = self.places_of(lesion)
        self.note_places(lesion, {name for name in after if after[name] != before.get(name)})
        return self.renew([lesion])

    def places_of(self, lesion: str) -> dict[str, Placed]:
        return {item.id: item.photo.place for item in self.list_of_lesion(lesion)}

    def note_places(self, lesion: str, corrected: Collection[str]) -> None:
        """Call it once the places of these findings of a spot are corrected, before `renew`."""
        if corrected:
            self._note_seen([lesion])

    def are_placed(self, lesion: str) -> bool:
        """Whether each finding of the spot says where that is: older ones do not."""
        return not self._documents.find({**in_spot(lesion), "placed": None}, limit=1, fields=())

    def _note_seen(self, lesions: Collection[str]) -> None:
        """Note what was seen of these spots before one comes or leaves."""
        for lesion in lesions:
            self.reviews.note_seen([*self.numbers_in_lesion(lesion)])

    def _mark_uncompared(self, lesion: str, came: str) -> None:
        """Let a photo that has come to a spot be compared with those next to it."""
        there = sorted(self.numbers_in_lesion(lesion))
        later = [after for before, after in pairwise(there) if came in (before, after)]
        self._documents.set_each({item: {"uncompared": new_id()} for item in later})

    def list_uncompared(self, limit: int) -> list[str]:
        """List the ids of findings to be compared with the one before, in the order they came."""
        waiting: Filter = {"uncompared": {"$gt": ""}}
        found = self._documents.find(waiting, sort="uncompared", limit=limit, fields=())
        return [item["id"] for item in found]

    def find_before(self, finding: StoredFinding) -> StoredFinding | None:
        """Find the one before it in its spot."""
        earlier: Filter = {**in_spot(finding.lesion), "id": {"$lt": finding.id}}
        return self._first(earlier, sort="-id")

    def add_change(self, before: StoredFinding, change: MeasuredChange) -> None:
        self.change(before.id, changes=[item.stored() for item in (*before.changes, change)])

    def forget_changes(self, gone: StoredFindingRow) -> None:
        """Take back what comparisons with the photo of this finding have found."""
        for item in self.list_of_lesion(gone.lesion):
            left = [change.stored() for change in item.changes if change.before != gone.id]
            if len(left) < len(item.changes):
                self.change(item.id, changes=left or None)

    def named_lesions(self) -> Iterable[str]:
        """The spots that findings name, whether these exist or not."""
        return sorted(self._documents.count_by("lesion"))

    def _read_histories(self, lesions: Iterable[str]) -> dict[str, LesionHistory]:
        spots: dict[str, list[Document]] = {}
        for item in self._find_in(lesions, PHOTO_FIELDS):
            spots.setdefault(item["lesion"], []).append(item)
        photos = {lesion: tuple(self._read_photos(each)) for lesion, each in spots.items()}
        reviews = self.reviews.list_of_each([item.id for each in photos.values() for item in each])
        facts: dict[str, LesionHistory] = {}
        for lesion, each in spots.items():
            if any(_is_hidden(item["id"]) for item in each):
                for item in each:
                    hide(FINDINGS, item["id"])
            else:
                facts[lesion] = LesionHistory(photos[lesion], reviews)
        return facts

    def _read_photos(self, documents: Iterable[Document]) -> list[JudgedPhoto]:
        return [*read_each(FINDINGS, documents, _photo_of)]


def _is_hidden(finding: str) -> bool:
    return is_hidden(FINDINGS, finding)


def _number_of(document: Document) -> tuple[str, int]:
    if not isinstance(number := document["number"], int):
        raise TypeError("number")
    return document["id"], number


def _photo_of(document: Document) -> JudgedPhoto:
    newest = JudgedVersion(
        version=document.get("version", 1),
        band=document["band"],
        judged_at=document.get("judged_at") or document["created_at"],
    )
    earlier = map(JudgedVersion.model_validate, document.get("earlier", ()))
    kept = document.get("photo_blob") is not None
    changes = tuple(map(MeasuredChange.model_validate, document.get("changes", ())))
    versions, opened = (*earlier, newest), document.get("opened_at")
    told = document.get("context") or {}
    place = place_of([told.get(name) for name in PLACE], document.get("placed"))
    return JudgedPhoto(*_number_of(document), versions, kept, changes, opened, place)
