"""Deliveries to other systems.

A delivery is added in the transaction of the change that it reports, so that neither exists without
the other. It stores only an endpoint and ids; the content is made when it is sent. Each kind of
delivery has a `Channel`.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from skinapi.base.pages import Page, PageRequest
from skinapi.base.stored_record import StoredRecord
from skinapi.platform.storage.background import backoff
from skinapi.platform.storage.ids import made_at, new_id, now
from skinapi.platform.storage.ports import Document, Filter, set_or_remove
from skinapi.platform.storage.records import Repository

# Before another try: after each failure twice as long.
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=5), timedelta(hours=3)
DAY = timedelta(days=1)
KEPT = timedelta(days=7)  # after its end, for the page of the last deliveries
# Of one that nobody sends: its kind is known to newer code alone.
LONGEST_KEPT = timedelta(days=30)
LATE = timedelta(minutes=10)
# The fault of one that cannot be made of what is stored.
DAMAGED = "damaged"

State = Literal["waiting", "delivered", "failed"]


class Delivery(StoredRecord):
    """`to` is the id of an endpoint, and `about` holds the ids that the sender needs. `lane` is the
    endpoint while the delivery is pending. `answer` and `fault` describe the last attempt.
    """

    id: str
    created_at: datetime
    kind: str
    to: str
    about: Mapping[str, Any]
    owner: str | None = None
    state: State = "waiting"
    lane: str | None = None
    attempts: int = 0
    waiting_since_at: datetime | None = None
    due_at: datetime | None = None
    tried_at: datetime | None = None
    answer: int | None = None
    fault: str | None = None
    expires_at: datetime


class NotDelivered(Exception):
    """The endpoint did not accept the delivery, which is retried. `answer` is the status code."""

    def __init__(self, fault: str, *, answer: int | None = None) -> None:
        super().__init__(fault)
        self.fault, self.answer = fault, answer


class Refused(NotDelivered):
    """The endpoint will never accept it, so it is not retried."""


Send = Callable[[Delivery], int | None]


@dataclass(frozen=True, slots=True)
class Channel:
    """How deliveries of a kind are sent. `send` returns the status code, if any, and has its own
    deadline. A delivery that has failed for `tried_for` is given up.
    """

    send: Send
    tried_for: timedelta = DAY


class Deliveries(Repository[Delivery]):
    collection, record = "deliveries", Delivery
    indexes = (
        ("lane", "id"),
        ("lane", "due_at", "id"),
        ("lane", "waiting_since_at"),
        ("waiting_since_at", "kind"),
        ("to", "id"),
        ("owner",),
    )
    expiry = "expires_at"

    def add(self, kind: str, *, to: str, about: Mapping[str, Any], owner: str | None = None) -> str:
        """Call it in the transaction of the change. It is deleted with the account `owner`."""
        moment = now()
        return self.insert(
            Delivery(
                id=new_id(),
                created_at=moment,
                kind=kind,
                to=to,
                about=about,
                owner=owner,
                lane=to,
                waiting_since_at=moment,
                due_at=moment,
                expires_at=moment + LONGEST_KEPT,
            )
        ).id

    def page(self, to: str, paging: PageRequest) -> Page[Delivery]:
        return self._page({"to": to}, paging, newest_first=True)

    def send_again(self, identifier: str, *, to: str) -> bool:
        moment = now()
        times = {"waiting_since_at": moment, "due_at": moment, "expires_at": moment + LONGEST_KEPT}
        anew: Document = {"state": "waiting", "attempts": 0, "lane": to, **times}
        wanted = {"id": identifier, "to": to}
        return self._change(wanted, **anew, fault=None, answer=None) is not None

    def find_next_lane(self, after: str) -> str | None:
        waiting = self._documents.find(
            {"lane": {"$gt": after}}, sort="lane", limit=1, fields=("lane",)
        )
        return str(waiting[0]["lane"]) if waiting else None

    def find_due(self, lane: str, limit: int) -> list[Document]:
        due: Filter = {"lane": lane, "due_at": {"$lte": now()}}
        return self._documents.find(due, sort="due_at", limit=limit)

    def retry_damaged(self, document: Document, attempts: int) -> None:
        """Retry later a delivery whose content cannot be read: it may have been restored by
        then.
        """
        moment, since = now(), document.get("waiting_since_at")
        if not isinstance(since, datetime):
            since = made_at(document["id"])
        changes = _ended("failed", attempts=attempts, fault=DAMAGED)
        if since > moment - DAY:
            wait = backoff(attempts, first=FIRST_WAIT, longest=LONGEST_WAIT)
            changes = {"attempts": attempts, "tried_at": moment, "due_at": moment + wait}
            changes |= {"answer": None, "fault": DAMAGED}
        # Not read: it is damaged.
        self._documents.update({"id": document["id"]}, set_or_remove(changes))

    def mark_delivered(self, delivery: Delivery, *, answer: int | None) -> None:
        self._end(delivery, "delivered", answer=answer, fault=None)

    def mark_refused(self, delivery: Delivery, why: NotDelivered) -> None:
        self._end(delivery, "failed", answer=why.answer, fault=why.fault)

    def _end(self, delivery: Delivery, state: State, **facts: Any) -> None:
        tried = {"attempts": delivery.attempts + 1, "tried_at": now()}
        self._change({"id": delivery.id}, **_ended(state, **tried, **facts))

    def retry(self, delivery: Delivery, why: NotDelivered) -> None:
        attempts = delivery.attempts + 1
        wait = backoff(attempts, first=FIRST_WAIT, longest=LONGEST_WAIT)
        spread = random.uniform(0.75, 1.25)  # noqa: S311 (no secret)
        wait = timedelta(seconds=round(wait.total_seconds() * spread, 3))
        moment = now()
        tried: Document = {"attempts": attempts, "tried_at": moment, "due_at": moment + wait}
        # Not one that was deleted, or ended, meanwhile.
        unsent: Filter = {"id": delivery.id, "lane": delivery.to}
        self._change(unsent, **tried, answer=why.answer, fault=why.fault)

    def give_up(self, to: str, *, waiting_since: datetime | None = None, why: str) -> int:
        waiting: Filter = {"lane": to}
        if waiting_since:
            waiting["waiting_since_at"] = {"$lte": waiting_since}
        return self._documents.update_all(waiting, set_or_remove(_ended("failed", fault=why)))

    def forget(self, account: str) -> int:
        return self._documents.delete({"owner": account})

    def forget_endpoint(self, to: str) -> None:
        self._documents.delete({"to": to})

    def problems(self) -> list[str]:
        late = self.count_late()
        return [f"Deliveries that other systems do not take: {late}"] if late else []

    def count_late(self) -> int:
        return sum(self.count_late_by_kind().values())

    def count_late_by_kind(self) -> dict[str, int]:
        return self._documents.count_by("kind", {"waiting_since_at": {"$lte": now() - LATE}})


def _ended(state: State, **facts: Any) -> Document:
    waiting = dict.fromkeys(("lane", "due_at", "waiting_since_at"))
    return {"state": state, "expires_at": now() + KEPT, **waiting, **facts}
