"""Deliveries to other systems: what waits, who sends it, and how the last ones went.

A delivery is added in the transaction of the change that it tells of, so it is there where the
change is, and only there. Its row names an endpoint and the ids of what it is about, nothing more:
what is sent is made of them when it is sent. Each kind of delivery has a sender (`Channel`).
"""

import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from skinapi.base.errors import StoreUnavailable
from skinapi.base.logs import log
from skinapi.base.pages import Page
from skinapi.base.stored_record import StoredRecord
from skinapi.platform.storage.background import Lease, PeriodicThread, backoff
from skinapi.platform.storage.failed_items import FailedItems
from skinapi.platform.storage.ids import made_at, new_id, now
from skinapi.platform.storage.ports import Document, Filter, Store, set_or_remove
from skinapi.platform.storage.records import Records

DAY = timedelta(days=1)
KEPT = timedelta(days=7)  # after its end, for the page of the last deliveries
# Of one that nobody sends: its kind is known to newer code alone.
LONGEST_KEPT = timedelta(days=30)
FIRST_RETRY = timedelta(seconds=5)
LONGEST_RETRY = timedelta(hours=3)
LATE = timedelta(minutes=10)
# The fault of one that cannot be made of what is stored.
DAMAGED = "damaged"

State = Literal["waiting", "delivered", "failed"]


class Delivery(StoredRecord):
    """`to` is the id of an endpoint, and `about` what the sender needs: ids. `lane` is the endpoint
    while it waits. `answer` and `fault` say how the last attempt went.
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
    """The other side did not take it: it is tried again later. `answer` is the code that came."""

    def __init__(self, fault: str, *, answer: int | None = None) -> None:
        super().__init__(fault)
        self.fault, self.answer = fault, answer


class Refused(NotDelivered):
    """It will never be taken: it is given up at once."""


Send = Callable[[Delivery], int | None]


@dataclass(frozen=True, slots=True)
class Channel:
    """How deliveries of a kind are sent. `send` returns the code of the answer, if there is one; it
    ends by a deadline of its own. One that has failed for `tried_for` is given up.
    """

    send: Send
    tried_for: timedelta = DAY


class Deliveries(Records[Delivery]):
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
        """Call it in the transaction of the change. With the account `owner` it is deleted."""
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

    def page(self, to: str, *, after: str | None, limit: int) -> Page[Delivery]:
        """List the deliveries to an endpoint, newest first."""
        return self._page({"to": to}, after=after, limit=limit, newest_first=True)

    def send_again(self, identifier: str, *, to: str) -> bool:
        """Let this delivery wait anew, under the same id. False where there is none."""
        moment = now()
        times = {"waiting_since_at": moment, "due_at": moment, "expires_at": moment + LONGEST_KEPT}
        anew: Document = {"state": "waiting", "attempts": 0, "lane": to, **times}
        wanted = {"id": identifier, "to": to}
        return self._change(wanted, **anew, fault=None, answer=None) is not None

    def find_next_lane(self, after: str) -> str | None:
        """The first endpoint behind this one for which something waits."""
        waiting = self._documents.find(
            {"lane": {"$gt": after}}, sort="lane", limit=1, fields=("lane",)
        )
        return str(waiting[0]["lane"]) if waiting else None

    def find_due(self, lane: str, limit: int) -> list[Document]:
        """What is to be sent to this endpoint now, as it is stored; what is due longest first."""
        due: Filter = {"lane": lane, "due_at": {"$lte": now()}}
        return self._documents.find(due, sort="due_at", limit=limit)

    def retry_damaged(self, document: Document, attempts: int) -> None:
        """Send one later that cannot be made: it may be read again when what it is about is
        restored.
        """
        moment, since = now(), document.get("waiting_since_at")
        if not isinstance(since, datetime):
            since = made_at(document["id"])
        changes = _ended("failed", attempts=attempts, fault=DAMAGED)
        if since > moment - DAY:
            wait = backoff(attempts, first=FIRST_RETRY, longest=LONGEST_RETRY)
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
        """Send it later: after each failure about twice as late, not all at the same moment."""
        attempts = delivery.attempts + 1
        wait = backoff(attempts, first=FIRST_RETRY, longest=LONGEST_RETRY)
        spread = random.uniform(0.75, 1.25)  # noqa: S311 (no secret)
        wait = timedelta(seconds=round(wait.total_seconds() * spread, 3))
        moment = now()
        tried: Document = {"attempts": attempts, "tried_at": moment, "due_at": moment + wait}
        # Not one that was deleted, or ended, meanwhile.
        unsent: Filter = {"id": delivery.id, "lane": delivery.to}
        self._change(unsent, **tried, answer=why.answer, fault=why.fault)

    def give_up(self, to: str, *, waiting_since: datetime | None = None, why: str) -> int:
        """Give up what waits for this endpoint, since this moment or longer; return how many."""
        waiting: Filter = {"lane": to}
        if waiting_since:
            waiting["waiting_since_at"] = {"$lte": waiting_since}
        return self._documents.update_all(waiting, set_or_remove(_ended("failed", fault=why)))

    def forget(self, account: str) -> None:
        """Delete all that is about this account's data. Idempotent."""
        self._documents.delete({"owner": account})

    def forget_endpoint(self, to: str) -> None:
        self._documents.delete({"to": to})

    def problems(self) -> list[str]:
        """What the operator should know: what other systems do not take."""
        late = self.count_late()
        return [f"Deliveries that other systems do not take: {late}"] if late else []

    def count_late(self) -> int:
        """How many should have been taken by now."""
        return self._documents.count({"waiting_since_at": {"$lte": now() - LATE}})


def _ended(state: State, **facts: Any) -> Document:
    waiting = dict.fromkeys(("lane", "due_at", "waiting_since_at"))
    return {"state": state, "expires_at": now() + KEPT, **waiting, **facts}


# Sends what waits.


SEND_EVERY_S = 1.0
SENT_AT_ONCE = 50
MOST_LANES = 40  # endpoints to which is sent at the same time, each by a thread
FIRST_PAUSE_S = 2.0
LONGEST_PAUSE_S = 300.0
END_S = 4.0
LEASE_LENGTH = timedelta(seconds=30)


@dataclass(slots=True)
class _Lane:
    """An endpoint, as this process knows it: how long nothing is sent to it after failures."""

    thread: threading.Thread | None = None
    pause_s: float = 0.0
    paused_until: float = 0.0

    @property
    def is_busy(self) -> bool:
        return self.thread is not None and self.thread.is_alive()

    def pause(self) -> None:
        self.pause_s = min(max(FIRST_PAUSE_S, 2 * self.pause_s), LONGEST_PAUSE_S)
        self.paused_until = time.monotonic() + self.pause_s


class DeliverySender(PeriodicThread):
    """Sends each delivery at least once: after a crash before it was noted, again, with the same
    id. Of all processes one sends at a time; each endpoint has a thread of its own, so that one
    that does not answer delays no other.
    """

    def __init__(
        self,
        store: Store,
        deliveries: Deliveries,
        channels: Mapping[str, Channel],
        failed: FailedItems,
    ) -> None:
        super().__init__("delivery-sender", every_s=SEND_EVERY_S, failure="deliveries not sent")
        self._lease = Lease(store.collection("leases"), "delivery-sender", length=LEASE_LENGTH)
        self._deliveries = deliveries
        self._channels, self._failed = channels, failed
        self._lanes: dict[str, _Lane] = {}
        self._mine = False

    def make_pass(self) -> None:
        """Start to send to each endpoint for which something is due."""
        waiting = self._waiting_lanes()
        busy = any(lane.is_busy for lane in self._lanes.values())
        if not waiting and not busy:
            self._give_back()
            return
        self._mine = self._lease.renew() if self._mine else self._lease.claim() is not None
        if not self._mine:
            return
        self._lanes = {to: self._lanes.get(to) or _Lane() for to in waiting}
        for to, lane in self._lanes.items():
            if not lane.is_busy and time.monotonic() >= lane.paused_until:
                lane.thread = threading.Thread(
                    target=self._send_lane, args=(to, lane), name=f"delivery-{to}", daemon=True
                )
                lane.thread.start()

    def finish_pass(self) -> None:
        """A pass, to its end: for tests and commands."""
        self.make_pass()
        for lane in self._lanes.values():
            if lane.thread:
                lane.thread.join()

    def stop(self) -> None:
        super().stop()
        until = time.monotonic() + END_S
        for lane in self._lanes.values():
            if lane.thread:
                lane.thread.join(max(0.0, until - time.monotonic()))
        self._give_back()

    def _give_back(self) -> None:
        if self._mine:
            self._lease.release()
            self._mine = False

    def _waiting_lanes(self) -> list[str]:
        found, last = [to for to, lane in self._lanes.items() if lane.is_busy], ""
        while len(found) < MOST_LANES and (lane := self._deliveries.find_next_lane(last)):
            last = lane
            if lane not in found:
                found.append(lane)
        return found

    def _send_lane(self, to: str, lane: _Lane) -> None:
        try:
            due = ((one["id"], one) for one in self._deliveries.find_due(to, SENT_AT_ONCE))
            sent = self._failed.each(
                "delivery",
                due,
                lambda document: self._send_stored(document, lane),
                postpone=self._deliveries.retry_damaged,
            )
            all(sent)  # up to the first that is not to be sent
        except StoreUnavailable:
            lane.pause()

    def _send_stored(self, document: Document, lane: _Lane) -> bool:
        """False where nothing more is to be sent to the endpoint now."""
        if self.stopping.is_set() or not self._mine:
            return False
        delivery = Delivery.model_validate(document)
        channel = self._channels.get(delivery.kind)
        return channel is None or self._send(delivery, channel, lane)

    def _send(self, delivery: Delivery, channel: Channel, lane: _Lane) -> bool:
        """False where the endpoint takes nothing now."""
        try:
            answer = channel.send(delivery)
        except Refused as refused:
            log.warning("delivery_refused", kind=delivery.kind, reason=refused.fault)
            self._deliveries.mark_refused(delivery, refused)
            return True
        except NotDelivered as failed:
            if not lane.pause_s:
                log.warning("delivery_later", kind=delivery.kind, reason=failed.fault)
            lane.pause()
            self._deliveries.retry(delivery, failed)
            since = now() - channel.tried_for
            self._deliveries.give_up(delivery.to, waiting_since=since, why=failed.fault)
            return False
        self._deliveries.mark_delivered(delivery, answer=answer)
        lane.pause_s = 0.0
        return True
