"""The text of a message never changes."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple

from skinapi.base.errors import Conflict, Unprocessable
from skinapi.base.pages import Page, PageRequest
from skinapi.base.stored_record import StoredRecord
from skinapi.platform.storage.faults import Fault
from skinapi.platform.storage.ids import new_id_after, now
from skinapi.platform.storage.ports import Filter, set_or_remove
from skinapi.platform.storage.records import Repository
from skinapi.platform.storage.unreadable import read_others

LONGEST_MESSAGE = 2000
READ_AT_ONCE = 100
FIRST_TIME = datetime.fromtimestamp(0, UTC)
WAITING: Filter = {"read_at": None}


class Message(StoredRecord):
    """`signature` is the name of a doctor who wrote it, at that time. `to` has to answer or read
    it. `read_at` is when the owner has read it, or the doctor has answered it or marked it as done;
    `seen_at` is when the doctor first saw it.
    """

    id: str
    created_at: datetime
    lesion: str | None = None
    owner: str
    author: str
    text: str
    signature: str | None = None
    to: str | None = None
    seen_at: datetime | None = None
    read_at: datetime | None = None
    submission: str | None = None
    idempotency_key: str | None = None
    request_hash: str | None = None


class Thread(NamedTuple):
    owner: str
    lesion: str | None

    @property
    def target(self) -> str:
        return self.lesion or self.owner

    @property
    def wanted(self) -> Filter:
        return self._asdict()


class Messages(Repository[Message]):
    collection, record = "messages", Message
    indexes = (
        ("lesion", "id"),
        ("to", "read_at", "lesion"),
        ("to", "read_at", "id"),
        ("owner", "author", "read_at", "id"),
        ("owner", "lesion", "id"),
        ("submission",),
        ("read_at", "id"),
    )
    unique = (("author", "idempotency_key"),)

    def add(self, thread: Thread, **fields: Any) -> Message:
        newest = self._documents.find(thread.wanted, sort="-id", limit=1, fields=())
        # An answer sorts after the question even if the clocks of two servers differ.
        identifier = new_id_after(newest[0]["id"] if newest else None)
        return self.insert(Message(id=identifier, created_at=now(), **thread.wanted, **fields))

    def owners(self) -> set[str]:
        return set(self._documents.count_by("owner"))

    def find_by_key(self, author: str, key: str | None, request_hash: str) -> Message | None:
        return self._by_key(key, request_hash, author=author)

    def page(self, thread: Thread, paging: PageRequest, *, newest_first: bool) -> Page[Message]:
        return self._page(thread.wanted, paging, newest_first=newest_first)

    def list_of(self, owner: str) -> list[Message]:
        return sorted(self._list({"owner": owner}, sort="lesion"), key=lambda item: item.id)

    def count_of(self, owner: str) -> int:
        return self._documents.count({"owner": owner})

    def find_unanswered(self, thread: Thread) -> datetime | None:
        """Return when the oldest unanswered message was written."""
        wanted: Filter = {**thread.wanted, "author": thread.owner, **WAITING}
        found = self._documents.find(wanted, limit=1, fields=("created_at",))
        return found[0]["created_at"] if found else None

    def count_unseen(self, to: str, thread: Thread) -> int:
        unseen: Filter = {"to": to, **WAITING, **thread.wanted, "seen_at": None}
        return self._documents.count(unseen)

    def count_waiting_by_lesion(self, to: str | None) -> dict[str, int]:
        return self._documents.count_by("lesion", {"to": to, **WAITING})

    def count_waiting_without_lesion(self, to: str | None) -> dict[str, int]:
        return self._documents.count_by("owner", {"to": to, **WAITING, "lesion": None})

    def mark_seen(self, thread: Thread, *, to: str, last: str) -> int:
        """Return how many were unseen. This settles a doctor's signed messages for the owner."""
        upto: Filter = {"to": to, **WAITING, **thread.wanted, "id": {"$lte": last}}
        unseen: Filter = {**upto, "seen_at": None, "signature": None}
        seen = self._documents.update_all(unseen, {"$set": {"seen_at": now()}})
        return seen + self._end(upto | {"signature": {"$ne": None}})

    def mark_answered(self, thread: Thread, *, by: str) -> None:
        """Messages that arrived after this doctor looked stay unanswered."""
        self._end({"to": by, **WAITING, **thread.wanted, "seen_at": {"$ne": None}})

    def mark_done(self, thread: Thread, *, by: str, last: str) -> int:
        """Return how many messages up to `last` were marked as done."""
        upto: Filter = {"to": by, **WAITING, **thread.wanted, "id": {"$lte": last}}
        return self._end(upto | {"signature": None})

    def _end(self, waiting: Filter) -> int:
        return self._documents.update_all(waiting, {"$set": {"read_at": now()}})

    def set_doctor(self, owner: str, doctor: str | None) -> None:
        waiting = {"owner": owner, "author": owner, **WAITING}
        self._documents.update_all(waiting, set_or_remove({"to": doctor}))

    def leave_lesion(self, lesion: str) -> None:
        self._documents.update_all({"lesion": lesion}, {"$unset": {"lesion": True}})

    def _forget_lesion(self, lesion: str) -> None:
        self._documents.delete({"lesion": lesion})

    def drop_reference(self, finding: str) -> None:
        self._documents.update_all({"submission": finding}, {"$unset": {"submission": True}})

    def walk_ended(self, *, before: datetime) -> Iterator[Message]:
        """Yield the first settled ones first. The caller may delete them."""
        ended_at, last = FIRST_TIME, ""
        while page := self._list_ended(ended_at, last, before):
            yield from page
            ended_at, last = page[-1].read_at or ended_at, page[-1].id

    def _list_ended(self, ended_at: datetime, last: str, before: datetime) -> list[Message]:
        """Continue after this message, because many can have the same time."""
        documents = self._documents.find(
            {"read_at": ended_at, "id": {"$gt": last}}, sort="id", limit=READ_AT_ONCE
        )
        later: Filter = {"read_at": {"$gt": ended_at}}
        documents += self._documents.find(later, sort="read_at", limit=READ_AT_ONCE)
        ended = [document for document in documents[:READ_AT_ONCE] if document["read_at"] < before]
        return [*read_others(self.collection, ended, Message.model_validate)]

    def remove(self, identifier: str) -> bool:
        return bool(self._documents.delete({"id": identifier}))

    def forget(self, owner: str) -> int:
        return self._documents.delete({"owner": owner})

    def check_integrity(self, has_lesion: Callable[[str], bool]) -> Iterator[Fault]:
        for lesion in self._gone("lesion", has_lesion):
            text = f"messages of the spot {lesion}, which is gone"
            yield Fault(text, partial(self._forget_lesion, lesion))


class NobodyInCharge(Conflict):
    code = "nobody_in_charge"
    sentence = "No doctor is in charge of you at the moment, so nobody would read this message"


class TooManyUnread(Unprocessable):
    code = "too_many_unread"
    sentence = "So many of your messages are unread that no more are taken; wait for an answer"
