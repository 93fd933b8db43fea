from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from skinapi.app.application import create_app
from skinapi.app.integrity_check import list_record_types
from skinapi.base.errors import StoreUnavailable
from skinapi.platform.notices import delivery_sender
from skinapi.platform.notices.deliveries import Channel, Delivery
from skinapi.platform.notices.delivery_sender import DeliverySender
from skinapi.platform.notices.outbox import Kind
from skinapi.platform.storage.background import Stopping
from skinapi.platform.storage.ids import now
from skinapi.privacy.erasure.service import ErasureService
from tests.care.clinic import URGENT, file_for
from tests.support.backends import MAIL, PASSWORD, Backend, erase, erase_due, unavailable
from tests.support.smtp_server import SmtpServer

DAMAGED = {"$unset": {"created_at": True}}


@pytest.fixture
def given(smtp: SmtpServer) -> dict[str, Any]:
    mail = {**MAIL, "smtp_url": smtp.url, "mail_from": "clinic@example.org"}
    return {**mail, "photos": "always", "retain_accounts_days": 500, "waiting_account_days": 30}


def damage(backend: Backend, collection: str, identifier: str) -> None:
    assert backend.services.store.collection(collection).update({"id": identifier}, DAMAGED)


def failed(backend: Backend) -> list[tuple[str, str, int]]:
    found = backend.services.data.failed_items.walk_all()
    works = [item for item in found if item.work not in list_record_types()]
    return [(item.work, item.item, item.attempts) for item in works]


def test_a_delivery_that_cannot_be_read_or_made_blocks_not_its_endpoint(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery_sender, "FIRST_PAUSE_S", 0.0)
    store, data, sent = backend.services.store, backend.services.data, list[str]()

    def send(delivery: Delivery) -> int:
        if "broken" in delivery.about:
            raise KeyError("what it is about is damaged")
        sent.append(delivery.id)
        return 204

    def add(**about: object) -> str:
        added = data.deliveries.add
        return store.transaction(lambda: added("call", to="one", about=about))

    unreadable, unmade, whole = add(), add(broken=True), add()
    damage(backend, "deliveries", unreadable)
    channels = {"call": Channel(send)}
    sender = DeliverySender(store, data.deliveries, channels, data.failed_items, Stopping())
    sender.finish_pass()
    sender.finish_pass()
    assert sent == [whole]
    rows = store.collection("deliveries")
    for identifier in (unreadable, unmade):
        row = rows.get(identifier)
        assert row is not None
        assert (row["attempts"], row["fault"]) == (1, "damaged")
        assert row["due_at"] > now()
    assert failed(backend) == [("delivery", item, 1) for item in sorted((unreadable, unmade))]
    notes = backend.client.get("/readyz").get_json()["notes"]
    named = ", ".join(f"delivery/{item}" for item in sorted((unreadable, unmade)))
    assert any(f"left out of lists and of background work: 2 ({named})" in it for it in notes)
    long_ago = {"waiting_since_at": now() - timedelta(days=1), "due_at": now()}
    for identifier in (unreadable, unmade):
        rows.update({"id": identifier}, {"$set": long_ago})
    sender.finish_pass()
    assert {rows.get(item)["state"] for item in (unreadable, unmade)} == {"failed"}  # type: ignore[index]


def test_an_account_or_a_notice_that_cannot_be_read_stops_no_other_mail(
    backend: Backend, smtp: SmtpServer
) -> None:
    store, outbox = backend.services.store, backend.services.data.outbox
    broken, other = backend.member(), backend.member()
    for person in (broken, other, other):
        account = backend.account(person.email).id
        store.transaction(partial(outbox.add, Kind.NEWS, to=account, about="finding/7"))
    store.transaction(lambda: outbox.add(Kind.MESSAGE, to="nobody"))
    message = store.collection("outbox").find({"account": "nobody"})[0]["id"]
    damage(backend, "outbox", message)
    damage(backend, "accounts", backend.account(broken.email).id)
    for _ in range(2):
        backend.app.background.run("notice-sender")
    assert smtp.recipients() == [other.email]
    shown = [(work, attempts) for work, _, attempts in failed(backend)]
    assert shown == [("mail", 1), ("notice", 1)]
    waiting = store.collection("outbox").find({"due_at": {"$gt": now()}})
    assert [item["attempts"] for item in waiting] == [1, 1]


def test_an_erasure_that_is_due_or_begun_and_damaged_stops_no_other(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    due = now() - timedelta(seconds=1)
    first, second, begun = (backend.member() for _ in range(3))
    ids = {item.email: backend.account(item.email).id for item in (first, second, begun)}
    number = file_for(backend, begun, URGENT)
    with monkeypatch.context() as patch:
        patch.setattr(ErasureService, "_finish", unavailable)
        with pytest.raises(StoreUnavailable):
            erase(backend.services, backend.account(begun.email))
    damage(backend, "submissions", number.id)
    for person in (first, second):
        backend.edit(person.email, status="closed", erase_at=due)
    damage(backend, "accounts", ids[first.email])
    create_app(backend.settings, backend.services.store)
    erase_due(backend)
    found = {item["id"] for item in backend.services.store.collection("accounts").find()}
    assert found & {*ids.values()} == {ids[first.email]}
    receipts = backend.services.data.receipts
    assert receipts.find_newest(ids[second.email]).complete
    assert receipts.find_newest(ids[begun.email]).gone_at is None
    assert ("account_erasure", ids[begun.email], 1) in failed(backend)


def test_a_finding_that_cannot_be_read_keeps_nobody_from_leaving(backend: Backend) -> None:
    person = backend.member()
    broken, _ = (file_for(backend, person, URGENT) for _ in range(2))
    backend.services.store.collection("submissions").update(
        {"id": broken.id}, {"$set": {"finding": {}}}
    )
    preview = person.call("GET", "/me/deletion")
    assert preview.status_code == 200, preview.text
    assert preview.get_json()["unsettled"] == {"review": 2}
    person.call_ok("DELETE", "/me", json={"current_password": PASSWORD})
    assert backend.account(person.email).status == "closed"


def test_what_succeeds_again_is_shown_no_more(backend: Backend) -> None:
    items = backend.services.data.failed_items
    store = backend.services.store

    def fail(_: str) -> None:
        raise KeyError

    assert [*items.each("reminder", ["a", "b"], fail)] == []
    assert [(item.item, item.attempts) for item in items.walk_all()] == [("a", 1), ("b", 1)]
    assert [*items.each("reminder", ["a"], len)] == []  # not yet
    store.collection("failed_items").update_all({"work": "reminder"}, {"$set": {"due_at": now()}})
    assert [*items.each("reminder", ["a"], len)] == [1]
    assert [item.item for item in items.walk_all()] == ["b"]
