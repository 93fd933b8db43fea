import threading
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from skinapi.platform.notices import delivery_sender
from skinapi.platform.notices.deliveries import KEPT, Channel, Delivery, NotDelivered, Refused
from skinapi.platform.notices.delivery_sender import DeliverySender
from skinapi.platform.storage.background import Stopping
from skinapi.platform.storage.ids import now
from tests.stores.kills import Killed
from tests.support.backends import Backend, erase


class Other:
    def __init__(self) -> None:
        self.taken: dict[str, list[Delivery]] = {}
        self.answers: dict[str, Callable[[], int]] = {}

    def send(self, delivery: Delivery) -> int:
        self.taken.setdefault(delivery.to, []).append(delivery)
        return self.answers.get(delivery.to, lambda: 204)()

    def ids(self, to: str) -> list[str]:
        return [item.id for item in self.taken.get(to, [])]


@pytest.fixture
def other() -> Other:
    return Other()


@pytest.fixture
def sender(backend: Backend, other: Other, monkeypatch: pytest.MonkeyPatch) -> DeliverySender:
    monkeypatch.setattr(delivery_sender, "FIRST_PAUSE_S", 0.0)
    monkeypatch.setattr(delivery_sender, "LONGEST_PAUSE_S", 0.0)
    return sender_of(backend, other)


def sender_of(backend: Backend, other: Other) -> DeliverySender:
    data = backend.services.data
    channels = {"call": Channel(other.send)}
    return DeliverySender(
        backend.services.store, data.deliveries, channels, data.failed_items, Stopping()
    )


def add(backend: Backend, to: str = "one", kind: str = "call", **about: Any) -> str:
    added = backend.services.data.deliveries.add
    return backend.services.store.transaction(lambda: added(kind, to=to, about=about))


def found(backend: Backend, identifier: str) -> Delivery:
    delivery = backend.services.data.deliveries.find(identifier)
    assert delivery
    return delivery


def move(backend: Backend, back: timedelta) -> None:
    rows = backend.services.store.collection("deliveries")
    for row in rows.find({"lane": {"$gt": ""}}):
        times = ("due_at", "waiting_since_at")
        rows.update({"id": row["id"]}, {"$set": {name: row[name] - back for name in times}})


def failing(fault: str, answer: int | None = None) -> Callable[[], int]:
    def fail() -> int:
        raise NotDelivered(fault, answer=answer)

    return fail


def test_a_delivery_is_sent_once_and_shows_how_it_went(
    backend: Backend, other: Other, sender: DeliverySender
) -> None:
    sent = add(backend, finding="f1")
    sender.finish_pass()
    sender.finish_pass()
    [taken] = other.taken["one"]
    assert (taken.id, taken.about) == (sent, {"finding": "f1"})
    after = found(backend, sent)
    assert (after.state, after.attempts, after.answer) == ("delivered", 1, 204)
    assert after.due_at is None
    assert after.expires_at <= now() + KEPT


def test_a_failure_is_tried_again_later_each_time_after_a_longer_wait(
    backend: Backend, other: Other, sender: DeliverySender
) -> None:
    other.answers["one"] = failing("server_error", 503)
    sent, waits = add(backend), []
    for attempt in (1, 2, 3, 4):
        sender.finish_pass()
        after = found(backend, sent)
        assert (after.attempts, after.answer, after.fault) == (attempt, 503, "server_error")
        assert after.due_at
        assert after.tried_at
        waits.append(after.due_at - after.tried_at)
        move(backend, after.due_at - now())
    # Each is 5 s, 10 s, … within a quarter.
    assert all(earlier < later for earlier, later in pairwise(waits))
    assert waits[0] >= timedelta(seconds=3)
    other.answers.clear()
    sender.finish_pass()
    assert found(backend, sent).state == "delivered"
    assert found(backend, sent).fault is None
    assert other.ids("one") == [sent] * 5


def test_after_a_day_of_failures_it_is_given_up_with_all_that_waited_as_long(
    backend: Backend, other: Other, sender: DeliverySender
) -> None:
    other.answers["one"] = failing("deadline")
    old = {add(backend) for _ in range(3)}
    move(backend, timedelta(days=1, minutes=1))
    fresh = add(backend)
    sender.finish_pass()
    assert {found(backend, item).state for item in old} == {"failed"}
    assert found(backend, fresh).state == "waiting"
    move(backend, timedelta(hours=9))
    other.answers.clear()
    sender.finish_pass()
    assert found(backend, fresh).state == "delivered"
    again = old.pop()
    assert backend.services.data.deliveries.send_again(again, to="one")
    sender.finish_pass()
    assert (found(backend, again).state, found(backend, again).attempts) == ("delivered", 1)


def test_what_is_refused_is_given_up_at_once_and_delays_nothing(
    backend: Backend, other: Other, sender: DeliverySender
) -> None:
    answers = iter([Refused("too_large", answer=413), None])

    def answer() -> int:
        if refusal := next(answers):
            raise refusal
        return 200

    other.answers["one"] = answer
    first, second = add(backend), add(backend)
    sender.finish_pass()
    assert (found(backend, first).state, found(backend, first).answer) == ("failed", 413)
    assert found(backend, second).state == "delivered"


def test_an_endpoint_that_does_not_answer_delays_no_other(
    backend: Backend, other: Other, sender: DeliverySender
) -> None:
    released, reached = threading.Event(), threading.Event()

    def hang() -> int:
        reached.set()
        released.wait(60)
        return 200

    other.answers["dead"] = hang
    stuck = [add(backend, to="dead") for _ in range(5)]
    sender.run_once()
    assert reached.wait(30)
    sent = [add(backend, to="other") for _ in range(3)]
    sender.run_once()
    for lane in [sender._lanes["other"].thread]:
        assert lane
        lane.join()
    assert other.ids("other") == sent
    assert other.ids("dead") == stuck[:1]
    released.set()
    sender.finish_pass()
    sender.finish_pass()
    assert other.ids("dead") == stuck


def test_killed_between_sending_and_the_note_of_it_another_process_sends_it_again(
    backend: Backend, other: Other, sender: DeliverySender, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object, **__: object) -> None:
        raise Killed

    sent = add(backend)
    with monkeypatch.context() as patch:
        patch.setattr(backend.services.data.deliveries, "mark_delivered", die)
        patch.setattr(threading, "excepthook", lambda _: None)
        sender.finish_pass()
    backend.services.store.collection("leases").delete({"id": "delivery-sender"})  # its time passes
    sender_of(backend, other).finish_pass()
    assert other.ids("one") == [sent, sent]
    assert found(backend, sent).state == "delivered"


def test_what_is_about_a_person_goes_with_the_account(backend: Backend) -> None:
    ada = backend.account(backend.member().email)
    add_to = backend.services.data.deliveries.add
    backend.services.store.transaction(
        lambda: add_to("call", to="one", about={"finding": "f"}, owner=ada.id)
    )
    erase(backend.services, ada)
    assert backend.stored()["deliveries"] == []
