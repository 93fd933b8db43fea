from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from skinapi.accounts.auth.events import PatientNumber
from skinapi.base.errors import NotFound, RecordDamaged
from skinapi.base.pages import Page, PageRequest, page_of
from skinapi.findings.errors import NOT_YOURS
from skinapi.findings.records.new_findings import NewFinding
from skinapi.findings.records.stored_finding import (
    LISTED_FIELDS,
    PHOTO_FIELDS,
    SUMMARY_FIELDS,
    EnteredInError,
    Source,
    StoredFinding,
    StoredFindingRow,
    StoredFindingSummary,
    SubmittedPhoto,
)
from skinapi.platform.storage.documents import walk_by_id
from skinapi.platform.storage.ids import first_id_at, new_id, now
from skinapi.platform.storage.numbers import FINDINGS, Numbers
from skinapi.platform.storage.ports import Document, Encoded, Filter, Ops, Store, set_or_remove
from skinapi.platform.storage.records import Repository, changes_between
from skinapi.platform.storage.unreadable import read_each, read_others

CHANGED_AT_ONCE, MOST_PASSED = 200, 500
TOUCH: Ops = {"$inc": {"revision": 1}}
# Each index ends with the id.
INDEXES: tuple[tuple[str, ...], ...] = (
    ("number",),
    *(("owner",), ("owner", "changed"), ("queued_at",)),
    *(("changed",), ("lesion",), ("uncompared",)),
)
# The fields read for each view; None reads all.
FIELDS: dict[type[StoredFindingRow], tuple[str, ...] | None] = {
    StoredFindingRow: LISTED_FIELDS,
    StoredFindingSummary: SUMMARY_FIELDS,
    StoredFinding: None,
}
View = TypeVar("View", bound=StoredFindingRow)


@dataclass(frozen=True, slots=True)
class EncodedFinding:
    finding: StoredFinding
    encoded: Encoded


class StoredFindings(Repository[StoredFinding]):
    collection, record = FINDINGS, StoredFinding
    unique = (("number",), ("owner", "idempotency_key"), ("filed_by", "idempotency_key"))
    indexes = tuple((*fields, "id") for fields in INDEXES)

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._numbers = Numbers(store)

    def prepare(self, new: NewFinding, *, number: int) -> EncodedFinding:
        """Call it before the transaction, because other writers wait for that."""
        finding = new.as_stored(number=number)
        return EncodedFinding(finding, self.encode(finding))

    def add(self, prepared: EncodedFinding) -> None:
        self._documents.insert_encoded(prepared.encoded)

    def take_number(self) -> int:
        """Call it before the transaction. The number is lost if nothing is stored."""
        return self._numbers.next_number()

    def skip_used_numbers(self) -> None:
        """Continue after the highest number: a partial restore may set the counter back."""
        for last in self._documents.find(sort="-number", limit=1):
            self._numbers.skip_to(last["number"])

    def has(self, identifier: str) -> bool:
        return self._documents.count({"id": identifier}) > 0

    def find_by_number(self, number: int) -> StoredFinding | None:
        return self._first({"number": number})

    def get_by_number(self, number: str, *, known_to: Callable[[str], bool]) -> StoredFinding:
        """Raises NotFound. Only callers who know it by its owner's id learn that it is damaged."""
        # A number of more than 16 digits might not fit into the stores' 64-bit integers.
        fits = number.isascii() and number.isdigit() and len(number) <= 16
        try:
            found = self.find_by_number(int(number)) if fits else None
        except RecordDamaged:
            stored = self._documents.find({"number": int(number)}, fields=("owner",))
            if any(known_to(str(item.get("owner"))) for item in stored):
                raise
            found = None
        if found is None:
            raise NotFound(NOT_YOURS)
        return found

    def find_by_key(self, owner: str, key: str | None) -> StoredFinding | None:
        return self._by_key(key, owner=owner)

    def find_filed(self, by: str, key: str | None) -> StoredFinding | None:
        return self._by_key(key, filed_by=by)

    def _views(self, view: type[View], wanted: Filter, **options: Any) -> list[View]:
        return self._read_each_as(view, self._find(view, wanted, **options))

    def _find(self, view: type[View], wanted: Filter, **options: Any) -> list[Document]:
        return self._documents.find(wanted, fields=FIELDS[view], **options)

    def _page_of(
        self, view: type[View], wanted: Filter, paging: PageRequest, *, sort: str = "id"
    ) -> Page[View]:
        more = paging.limit + 1
        found = self._find(view, wanted, sort=sort, after=paging.after, limit=more)
        return page_of(found, paging).map_all(partial(self._read_each_as, view))

    def page_owned(
        self, owner: str | None, paging: PageRequest, *, newest_first: bool = False
    ) -> Page[StoredFindingSummary]:
        wanted: Filter = {"owner": owner} if owner else {}
        sort = "-id" if newest_first else "id"
        return self._page_of(StoredFindingSummary, wanted, paging, sort=sort)

    def page_newest(
        self, owner: str, paging: PageRequest, *, reviewed: bool
    ) -> Page[StoredFindingRow]:
        queued_at = None if reviewed else {"$ne": None}
        wanted: Filter = {"owner": owner, "queued_at": queued_at, "error": None}
        return self._page_of(StoredFindingRow, wanted, paging, sort="-id")

    def page_reviewed(self, owners: Collection[str], paging: PageRequest) -> Page[StoredFindingRow]:
        """A page may hold fewer than `limit`, or none, although more follow."""
        wanted: Filter = {"queued_at": None, "error": None}
        found = self._documents.find(
            wanted, sort="-id", after=paging.after, limit=MOST_PASSED, fields=("owner",)
        )
        page = page_of([item for item in found if item["owner"] in owners], paging)
        more = found[-1]["id"] if len(found) == MOST_PASSED else None
        shown: Filter = {"id": {"$in": [item["id"] for item in page.items]}}
        return Page(self._views(StoredFindingRow, shown, sort="-id"), page.next_after or more)

    def find_changed(
        self,
        of: Filter,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        newest_first: bool = False,
        after: str | None = None,
    ) -> list[Document]:
        low, high = first_id_at(since) if since else "", first_id_at(until) if until else "g"
        if after and newest_first:
            high = min(high, after)
        elif after:
            low = max(low, after)
        wanted: Filter = {**of, "changed": {"$gt": low, "$lt": high}}
        sort = "-changed" if newest_first else "changed"
        return self._documents.find(
            wanted, sort=sort, limit=CHANGED_AT_ONCE, fields=("changed", "owner")
        )

    def list_whole(self, identifiers: Sequence[str]) -> list[StoredFinding]:
        found = {item.id: item for item in self._list({"id": {"$in": [*identifiers]}})}
        return [found[name] for name in identifiers if name in found]

    def change(self, identifier: str, **fields: Any) -> None:
        self._documents.update({"id": identifier}, {**set_or_remove(fields), **TOUCH})

    def note_change(self, identifier: str) -> None:
        self._documents.update({"id": identifier}, {"$set": {"changed": new_id()}})

    def put_after(self, before: StoredFinding, after: StoredFinding) -> bool:
        """Return False if a version was added since or the finding was deleted."""
        first = before.version == 1  # it is not stored then
        seen: Filter = {"id": before.id, "version": None if first else before.version}
        changed = {**changes_between(before, after), "changed": new_id()}
        change = {**set_or_remove(changed), **TOUCH}
        return self._documents.update(seen, change) is not None

    def touch(self, identifier: str) -> bool:
        """Make other changes of the finding conflict with the caller's transaction. Return False if
        it was deleted or entered in error.
        """
        return self._documents.update({"id": identifier, "error": None}, TOUCH) is not None

    def mark_in_error(self, finding: StoredFinding, error: EnteredInError) -> None:
        fields: dict[str, Any] = {
            "uncompared": None,
            "error": error.stored(),
            "changed": new_id(),
        }
        self.change(finding.id, **fields)

    def page_in_error(self, owner: str, paging: PageRequest) -> Page[StoredFinding]:
        wanted: Filter = {"owner": owner, "error": {"$ne": None}}
        return self._page_of(StoredFinding, wanted, paging)

    def photos_of(self, identifiers: Sequence[str]) -> dict[str, SubmittedPhoto]:
        wanted = {"id": {"$in": list(identifiers)}, "error": None}
        found = self._documents.find(wanted, fields=PHOTO_FIELDS)
        photos = read_each(
            self.collection,
            found,
            lambda item: SubmittedPhoto.model_validate({"finding": {}, **item}),
        )
        return {photo.id: photo for photo in photos}

    def walk_owned(self, owner: str) -> Iterator[StoredFindingRow]:
        return read_each(self.collection, self.walk_stored(owner), StoredFindingRow.model_validate)

    def walk_whole(self, owner: str) -> Iterator[StoredFinding]:
        found = walk_by_id(self._documents, {"owner": owner})
        return read_each(self.collection, found, StoredFinding.model_validate)

    def list_with_errors(self, lesion: str) -> list[StoredFinding]:
        return self._list({"lesion": {"$in": [lesion]}}, sort="lesion")

    def spots_with_photos(self, lesions: Collection[str]) -> set[str]:
        wanted: Filter = {"lesion": {"$in": sorted(lesions)}, "photo_blob": {"$gt": ""}}
        found = self._documents.find(wanted, sort="lesion", fields=("lesion",))
        return {document["lesion"] for document in found}

    def walk_stored(
        self, owner: str, *, fields: Sequence[str] = LISTED_FIELDS
    ) -> Iterator[Document]:
        return walk_by_id(self._documents, {"owner": owner}, fields=fields)

    def find_patient_numbers(self, owners: Collection[str]) -> dict[str, PatientNumber]:
        """Find the patient numbers in archives. FHIR stores only a hash."""
        if not owners:
            return {}
        wanted: Filter = {"owner": {"$in": sorted(owners)}, "source": {"$ne": None}}
        found = self._documents.find(wanted, sort="owner", fields=("owner", "source"))
        return dict(read_others(self.collection, reversed(found), _number_of_patient))

    def count_of(self, owner: str) -> int:
        return self._documents.count({"owner": owner})

    def owners(self) -> set[str]:
        return set(self._documents.count_by("owner"))

    def set_thumbnail(self, finding: StoredFinding, blob: str) -> bool:
        """Return False if the finding is deleted or has another thumbnail."""
        unchanged = {"id": finding.id, "thumbnail_blob": finding.thumbnail_blob}
        changed = self._documents.update(unchanged, {"$set": {"thumbnail_blob": blob}})
        return changed is not None

    def erase_photos(self, owner: str) -> tuple[list[str], list[str]]:
        """Return the ids of the findings, and the keys of the files to delete afterwards."""
        findings, keys = list[str](), list[str]()
        for document in self.walk_stored(owner, fields=(*LISTED_FIELDS, "thumbnail_blob")):
            blobs = [document.get("photo_blob"), document.get("thumbnail_blob")]
            blobs += [*document.get("picture_blobs", ())]
            if any(blobs):
                findings.append(document["id"])
                keys += dict.fromkeys(filter(None, blobs))
                self.erase_photo(StoredFindingRow.model_validate(document))
        return findings, keys

    def erase_photo(self, finding: StoredFindingRow, *, lost: bool = False) -> None:
        """The caller deletes the files. Pass `lost` if they were not deleted on purpose."""
        fields = {
            **dict.fromkeys(("photo_blob", "thumbnail_blob", "picture_blobs")),
            "photo_blob_lost_at" if lost else "photo_removed_at": now(),
            "changed": new_id(),
        }
        self.change(finding.id, **fields)

    def remove(self, identifier: str) -> None:
        self._documents.delete({"id": identifier})


def in_spot(lesion: str) -> Filter:
    return {"lesion": lesion, "error": None}


def _number_of_patient(document: Document) -> tuple[str, PatientNumber]:
    return document["owner"], Source.model_validate(document["source"]).patient_number
