"""The ids of accounts, findings and photos that were erased, and of findings that were entered in
error, for a restore of a backup from before; and the thread that then overwrites what was deleted.

Only ids: nobody is named. The list is never deleted. It stands in the store, and so in each backup;
and in a file beside the store, which outlives it. `python -m skinapi erased-ids` writes another.
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
    """`id` is that of the account or finding; behind `photo/` where the photos alone were erased,
    behind `error/` where it was entered in error. `created_at` is when that was. `findings`: how
    many an account held when it went. `kept_until_at`: 2.0.0 kept its medical record until then.
    `request`: the hash of the request by which a program had filed the finding, which is not judged
    again.

    With `to_reach`, `reached` and `numbers` 2.0.0 noted people who were to be told. Its own restore
    refuses a list without them.
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
        """Call it in the transaction of what it notes. It may be on the list, and keeps the larger
        number of findings.
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
        """Whether this account or finding was erased."""
        return self._documents.get(identifier) is not None

    def find_requests(self, *requests: str) -> list[Erased]:
        """Find the erased findings that these requests have made."""
        return [item for one in requests for item in self._list({"request": one}, sort="id")]

    def any_since(self, moment: datetime) -> bool:
        since: Filter = {"created_at": {"$gte": moment}}
        return bool(self._documents.find(since, sort="created_at", limit=1, fields=()))

    def merge(self, erased: Iterable[Erased]) -> None:
        """Add those that are not on the list, with their times."""
        for record in erased:
            if self._documents.get(record.id) is None:
                self.insert(record)


def list_erased(store: Store) -> Iterator[Erased]:
    """Walk all, oldest id first, in a store that is only read."""
    return map(read_erased, walk_by_id(store.collection(COLLECTION)))


def read_erased(document: Document) -> Erased:
    """Read a record. Where it is damaged its id is enough: a list then says that this was erased
    now. `check` names the record.
    """
    try:
        return Erased.model_validate(document)
    except ValidationError:
        identifier = document["id"]
        named = (identifier.partition("/")[0], document.get("kind"))
        kinds: tuple[ErasedKind, ...] = get_args(ErasedKind)
        kind: ErasedKind = next((kind for kind in kinds if kind in named), "account")
        return Erased(id=identifier, created_at=now(), kind=kind)


class Header(Frozen):
    """The first line of the list as a file; one for each id follows. All that was erased in this
    `store` before `complete_until` is in the first `size` bytes, and no finding had a number above
    `highest_number` then. Without: a list of an earlier version, which does not say so. 2.0.0
    refuses a list that has another field.
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
    """Where it does not say of which store it is and until when it is complete, it proves nothing
    of who was erased.
    """

    erased: tuple[Erased, ...]


def name_of_store(store: Store) -> str | None:
    """Tell the store from others, even a restored one; None where no server has opened it."""
    opened = store.collection("store").get("store")
    return opened["created_at"].isoformat() if opened else None


def _make_header(store: Store, until: datetime) -> Header:
    highest = Numbers(store).highest()
    return Header(complete_until=until, store=name_of_store(store), highest_number=highest)


def write_erased_ids(store: Store, path: Path, *, until: datetime | None = None) -> int:
    """Replace the file by the list, complete `until` then; return how many are on it."""
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
    """Read the list. What stands behind the size that the first line names is no part of it: a kill
    may have cut it off, and the server writes it again.
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
    """The list in the instance folder of each server."""

    def __init__(self, store: Store, folder: Path) -> None:
        self._store, self._path = store, folder / FILE_NAME
        self._written: int | None = None

    def update(self) -> None:
        """Write the list once, and again if more was erased. Else its first line says that it is
        complete until now.
        """
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
        """Set a list aside that is damaged, or of another store: it may be the only one of a store
        that is lost.
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
    """Scrub the store, and note when a complete scrub began."""
    last = {"scrubbed_at": now(), "schema": 1}
    scrubbed = store.scrub(any_size=any_size)
    if scrubbed.complete:
        store.collection("counters").update({"id": LAST}, {"$set": last}, upsert=True)
    return scrubbed


class Scrubber:
    """One process of all servers scrubs at a time; each machine keeps a file of the erased ids."""

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
