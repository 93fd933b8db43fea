"""The audit trail at a syslog server: each row in its order, at least once, by TLS alone."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from skinapi.http_client import trusted_authorities
from skinapi.integrations import syslog
from skinapi.integrations.syslog import NAME, SyslogSender, message_of
from skinapi.storage.background import Lease
from skinapi.storage.ids import now
from skinapi.storage.unit_of_work import AuditRow
from tests.integrations.syslog_receiver import (
    Received,
    SyslogReceiver,
    never_ends,
    resets,
    syslog_receiver,
    takes_all,
    takes_all_and_hangs_up,
)
from tests.support.backends import Backend


@pytest.fixture
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SyslogReceiver]:
    with syslog_receiver(tmp_path_factory.mktemp("syslog")) as receiver:
        yield receiver


@pytest.fixture
def given(receiver: SyslogReceiver) -> dict[str, Any]:
    trusted_authorities.cache_clear()
    url = f"tls://localhost:{receiver.port}"
    return {"syslog_url": url, "trusted_authorities": receiver.authority}


@pytest.fixture
def sender(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> SyslogSender:
    """One that asks a server that failed again at once."""
    monkeypatch.setattr(syslog, "LONGEST_PAUSE", timedelta())
    return backend.app.background.syslog_sender


def write(backend: Backend) -> None:
    for target in ("a", "b"):
        backend.services.data.trail.record(AuditRow("test.act", by="system", target=target))


def numbers(backend: Backend) -> list[int]:
    return sorted(row["sequence"] for row in backend.stored()["audit"])


def test_each_row_arrives_once_and_in_its_order(
    backend: Backend, receiver: SyslogReceiver, sender: SyslogSender
) -> None:
    admin = backend.admin()
    sender.make_pass()
    assert receiver.sequences == numbers(backend)
    sender.make_pass()
    assert receiver.connections == 1
    admin.call("PATCH", "/users/nobody@example.org/approve")
    write(backend)
    sender.make_pass()
    assert receiver.sequences == numbers(backend)
    rows = {row["sequence"]: row for row in backend.stored()["audit"]}
    for message in receiver.received:
        row = rows[message.sequence]
        assert message.data["id"] == row["id"]
        assert message.data["hash"] == row["hash"]
        assert message.parts["kind"] == row["action"]
        assert message.parts["app"] == "skinapi"
        assert message.parts["host"] == "127.0.0.1"
        assert message.parts["priority"] == ("109" if row["outcome"] == "done" else "108")
        assert datetime.fromisoformat(message.parts["time"]) == row["created_at"]
        assert "@example" not in message.raw


def test_a_large_trail_is_sent_in_pieces(
    backend: Backend,
    receiver: SyslogReceiver,
    sender: SyslogSender,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(syslog, "SENT_AT_ONCE", 7)
    for number in range(30):
        backend.services.data.trail.record(AuditRow("test.act", by="system", target=str(number)))
    sender.make_pass()
    assert receiver.sequences == numbers(backend)
    assert receiver.connections == -(-len(numbers(backend)) // 7)


def test_a_server_that_hangs_up_after_it_has_read_all_has_taken_it(
    backend: Backend, receiver: SyslogReceiver, sender: SyslogSender
) -> None:
    write(backend)
    receiver.behave = takes_all_and_hangs_up
    sender.make_pass()
    sender.make_pass()
    assert receiver.sequences == numbers(backend)


@pytest.mark.parametrize("behave", [resets, never_ends])
def test_what_a_server_may_not_have_read_is_sent_again(
    backend: Backend,
    receiver: SyslogReceiver,
    sender: SyslogSender,
    monkeypatch: pytest.MonkeyPatch,
    behave: Any,
) -> None:
    monkeypatch.setattr(syslog, "OPERATION_S", 0.5)
    write(backend)
    receiver.behave = behave
    sender.make_pass()
    assert receiver.connections == 1
    assert receiver.received == []
    receiver.behave = takes_all
    monkeypatch.setattr(syslog, "OPERATION_S", 30.0)
    sender.make_pass()
    assert receiver.sequences == numbers(backend)


def test_a_server_that_nobody_vouches_for_gets_nothing(
    backend: Backend, receiver: SyslogReceiver, tmp_path: Path
) -> None:
    trail, store = backend.services.data.trail, backend.services.store
    write(backend)
    for host, authorities in (("localhost", None), ("127.0.0.1", receiver.authority)):
        server = syslog.SyslogServer(host, receiver.port, "skin.example", authorities)
        SyslogSender(store, trail, server).make_pass()
    assert receiver.received == []
    assert receiver.connections == 0


def test_a_sender_that_is_killed_after_sending_goes_on_and_leaves_nothing_out(
    tmp_path: Path, receiver: SyslogReceiver, given: dict[str, Any]
) -> None:
    backend = Backend(tmp_path, **given)
    write(backend)
    command = [sys.executable, "-m", "tests.integrations.killed_sender", str(tmp_path)]
    named = [given["syslog_url"], str(given["trusted_authorities"])]
    killed = subprocess.run([*command, *named], capture_output=True, timeout=120, check=False)
    assert killed.returncode == -9, killed.stderr
    assert receiver.sequences == numbers(backend)
    write(backend)
    leases = backend.services.store.collection("leases")
    leases.update({"id": NAME}, {"$set": {"held_until_at": now()}})  # it ends
    backend.app.background.syslog_sender.make_pass()
    assert sorted({*receiver.sequences}) == numbers(backend)
    backend.services.store.close()


def test_one_process_sends_at_a_time(
    backend: Backend, receiver: SyslogReceiver, sender: SyslogSender
) -> None:
    other = Lease(backend.services.store.collection("leases"), NAME)
    assert other.claim()
    sender.make_pass()
    assert receiver.received == []
    other.release()
    sender.make_pass()
    assert receiver.sequences == numbers(backend)


def test_of_a_trail_that_an_older_backup_replaced_all_is_sent_anew(
    backend: Backend, receiver: SyslogReceiver, sender: SyslogSender
) -> None:
    write(backend)
    sender.make_pass()
    leases = backend.services.store.collection("leases")
    leases.update({"id": NAME}, {"$set": {"cursor": "1-ffffffffffffffff"}})
    sender._sent = None
    said = backend.client.get("/readyz").get_json()["notes"]
    assert said == ["The audit trail is not the one of which rows were sent to SYSLOG_URL"]
    sender.make_pass()
    assert receiver.sequences == [*numbers(backend), *numbers(backend)]


def test_the_operator_reads_that_the_server_takes_nothing(
    backend: Backend, receiver: SyslogReceiver, sender: SyslogSender
) -> None:
    write(backend)
    receiver.behave = resets
    sender.make_pass()
    assert backend.client.get("/readyz").get_json()["notes"] == []
    rows = backend.services.store.collection("audit")
    rows.update({"sequence": 1}, {"$set": {"created_at": now() - syslog.LATE * 2}})
    said = backend.client.get("/readyz").get_json()["notes"]
    assert said == ["The syslog server of SYSLOG_URL does not take the audit trail"]


def test_whatever_a_row_holds_the_message_stays_one() -> None:
    row = {
        "sequence": 7,
        "id": "01",
        "created_at": datetime(2026, 11, 26, 19, 0, 0, 123000, tzinfo=UTC),
        "action": "account.é approve" + "x" * 50,
        "outcome": "done",
        "by": "system",
        "target": 'a"] [evil@1 x="y"]\\',
        "detail": "two\nlines\0 and é\U0001f600" + "z" * 5000,
        "hash": "ab",
    }
    message = Received(message_of(row, hostname="skin clinic\n").decode())
    assert message.parts["time"] == "2026-11-26T19:00:00.123Z"
    assert message.parts["host"] == "skinclinic"
    assert len(message.parts["kind"]) == 32
    assert message.data["target"] == row["target"]
    assert message.data["detail"].startswith("two lines  and é\U0001f600zz")
    assert len(message.raw.encode()) < 8192
