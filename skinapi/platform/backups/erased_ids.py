"""The ids of erased accounts, findings and photos, and of findings entered in error, so that the
restore of an older backup does not bring them back.

The list names nobody and is never deleted. It is stored in each backup, and also in a file outside
of the store, which survives it. The scrubber thread then overwrites the deleted data.
"""

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ValidationError

from skinapi.base.errors import BrokenErasedIds, Conflict
from skinapi.base.logs import log
from skinapi.base.stored_record import Frozen, StoredRecord, optional
from skinapi.platform.storage.background import Lease
from skinapi.platform.storage.documents import walk_by_id
from skinapi.platform.storage.files import disk_errors, locked, write_durably
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.numbers import Numbers
from skinapi.platform.storage.ports import Document, Filter, Scrubbed, Store, set_or_remove
from skinapi.platform.storage.records import Repository

ErasedKind = Literal["account", "finding", "photo", "error", "to_reach", "reached"]
COLLECTION = "erased_ids"
FILE_NAME = "erased-ids.jsonl"
# While a scrub takes its seconds, others wait to write: many erasures share one.
PAUSE_S = 600.0
LAST = "last-scrub"
# A server writes the first line of its file anew, in its place.
HEADER_BYTES = 256


class Erased(StoredRecord):
    """`id` is that of the account or finding, with the prefix `photo/` if only the photos were
    erased, or `error/` if it was entered in error. `findings` is how many findings an erased
    account had. `request` is the hash of the request by which a program filed the finding, so that
    a repeated request does not create it again.

    `kept_until_at`, `to_reach`, `reached` and `numbers` were written by 2.0.0, whose restore
    refuses a list without the last three.
    """

    id: str
    created_at: datetime
    kind: ErasedKind
    findings: int = 0
    kept_until_at: datetime | None = optional()
    request: str | None = optional()
    numbers: tuple[int, ...] = optional(default=())

    @property
    def about(self) -> str:
        return self.id.rpartition("/")[2]


class ErasedIds(Repository[Erased]):
    collection, record = COLLECTION, Erased
    indexes = (("created_at", "id"), ("request", "id"))

    def add(
        self,
        kind: ErasedKind,
        identifier: str,
        *,
        findings: int = 0,
        request: str | None = None,
    ) -> None:
        """Call it in the transaction of the erasure. An entry that exists keeps the larger number
        of findings.
        """
        key = identifier if kind in ("account", "finding") else f"{kind}/{identifier}"
        known = self._documents.get(key) or {}
        erased: Document = {
            "kind": kind,
            "created_at": now(),
            "schema": 1,
            "findings": max(findings, known.get("findings", 0)),
            "request": request,
        }
        self._documents.update({"id": key}, set_or_remove(erased), upsert=True)

    def has(self, identifier: str) -> bool:
        return self._documents.get(identifier) is not None

    def find_requests(self, *requests: str) -> list[Erased]:
        return [item for one in requests for item in self._list({"request": one}, sort="id")]

    def any_since(self, moment: datetime) -> bool:
        since: Filter = {"created_at": {"$gte": moment}}
        return bool(self._documents.find(since, sort="created_at", limit=1, fields=()))

    def merge(self, erased: Iterable[Erased]) -> None:
        for record in erased:
            if self._documents.get(record.id) is None:
                self.insert(record)


def list_erased(store: Store) -> Iterator[Erased]:
    return map(read_erased, walk_by_id(store.collection(COLLECTION)))


def read_erased(document: Document) -> Erased:
    try:
        return Erased.model_validate(document)
    except ValidationError:
        identifier = document["id"]
        named = (identifier.partition("/")[0], document.get("kind"))
        kinds: tuple[ErasedKind, ...] = get_args(ErasedKind)
        kind: ErasedKind = next((kind for kind in kinds if kind in named), "account")
        return Erased(id=identifier, created_at=now(), kind=kind)


class Header(Frozen):
    """The first line of the list as a file; one line for each id follows. The first `size` bytes
    contain everything that was erased in this `store` before `complete_until`, when no finding had
    a number above `highest_number`. Lists of an earlier version lack these fields, and 2.0.0
    refuses a list with any other field.
    """

    skinapi: Literal["erased ids"] = "erased ids"
    format: Literal[1] = 1
    complete_until: datetime | None = None
    store: str | None = None
    size: int = 0
    highest_number: int | None = None

    def line(self) -> bytes:
        return self.model_dump_json(exclude_none=True).encode().ljust(HEADER_BYTES) + b"\n"


class ErasedList(Header):
    """A list without a store name and a completion time does not prove who was erased."""

    erased: tuple[Erased, ...]


def name_of_store(store: Store) -> str | None:
    """An id that differs even in a restored store. None if no server has opened the store."""
    opened = store.collection("store").get("store")
    return opened["created_at"].isoformat() if opened else None


def _make_header(store: Store, until: datetime) -> Header:
    highest = Numbers(store).highest()
    return Header(complete_until=until, store=name_of_store(store), highest_number=highest)


def write_erased_ids(store: Store, path: Path, *, until: datetime | None = None) -> int:
    """Replace the file by the list, complete up to `until`. Returns the number of entries."""
    header = _make_header(store, until or now())
    lines = [*map(_line, list_erased(store))]
    size = len(header.line()) + sum(map(len, lines))
    whole = header.model_copy(update={"size": size}).line() + b"".join(lines)
    try:
        write_durably(path, whole)
    except OSError as error:
        raise Conflict(f"{path.name} cannot be written: {error.strerror}") from error
    return len(lines)


def read_erased_ids(path: Path) -> ErasedList:
    """Read the list. Bytes after the size in the first line are ignored: a kill may have truncated
    them, and the server writes them again.
    """
    header = read_header(path)
    try:
        lines = path.read_bytes()[: header.size].splitlines()[1:]
        erased = tuple(map(Erased.model_validate_json, lines))
    except ValidationError as error:
        raise BrokenErasedIds(f"{path.name} is damaged: write it anew") from error
    return ErasedList(**header.model_dump(), erased=erased)


def read_header(path: Path) -> Header:
    try:
        with path.open("rb") as file:
            header = Header.model_validate_json(file.readline())
        size = path.stat().st_size
    except OSError as error:
        raise BrokenErasedIds(f"{path.name} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise BrokenErasedIds(f"{path.name} is no list of erased ids") from error
    if size < header.size:
        raise BrokenErasedIds(f"{path.name} was cut off: write it anew")
    return header


def _line(record: BaseModel) -> bytes:
    return record.model_dump_json(exclude_none=True).encode() + b"\n"


class ErasedIdsFile:
    def __init__(self, store: Store, folder: Path) -> None:
        self._store, self._path = store, folder / FILE_NAME
        self._written: int | None = None

    def update(self) -> None:
        until = now()
        count = self._store.collection(COLLECTION).count()
        with disk_errors(), locked(self._path.with_name(f"{FILE_NAME}-lock")):
            known = self._read_header()
            if known is None or self._written != count:
                write_erased_ids(self._store, self._path, until=until)
                self._written = count
                return
            header = _make_header(self._store, until)
            with self._path.open("r+b", buffering=0) as file:
                file.write(header.model_copy(update={"size": known.size}).line())
                os.fsync(file.fileno())

    def _read_header(self) -> Header | None:
        """A list that is damaged or from another store is renamed, not replaced: it may be the only
        list of a lost store.
        """
        if not self._path.exists():
            return None
        with suppress(BrokenErasedIds):
            kept = read_header(self._path)
            if kept.complete_until and kept.store == name_of_store(self._store):
                return kept
        aside = self._path.with_name(f"erased-ids-until-{now():%Y%m%dT%H%M%S%f}Z.jsonl")
        self._path.rename(aside)
        log.warning("the list of erased ids is not of this store", kept_as=aside.name)
        return None


def scrub_store(store: Store, *, any_size: bool = False) -> Scrubbed:
    last = {"scrubbed_at": now(), "schema": 1}
    scrubbed = store.scrub(any_size=any_size)
    if scrubbed.complete:
        store.collection("counters").update({"id": LAST}, {"$set": last}, upsert=True)
    return scrubbed


class Scrubber:
    """One process of all servers scrubs at a time. Each machine keeps a file of the erased ids."""

    def __init__(self, store: Store, erased: ErasedIds, folder: Path) -> None:
        self._store, self._erased = store, erased
        self._file = ErasedIdsFile(store, folder)
        self._lease = Lease(store.collection("leases"), "scrub")
        self._not_before = 0.0

    def run_once(self) -> None:
        self._file.update()
        last = self._store.collection("counters").get(LAST)
        done = last is not None and not self._erased.any_since(last["scrubbed_at"])
        if done or time.monotonic() < self._not_before:
            return
        if self._lease.claim() is None:
            return
        try:
            scrubbed = scrub_store(self._store)
        finally:
            self._lease.release()
            self._not_before = time.monotonic() + PAUSE_S
        log.info("scrubbed", complete=scrubbed.complete, remains=list(scrubbed.remains))
