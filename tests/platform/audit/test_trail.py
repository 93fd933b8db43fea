import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from skinapi.__main__ import main
from skinapi.accounts.auth.errors import LastAdmin
from skinapi.app.integrity_check import check_integrity
from skinapi.platform.audit import trail as trail_module
from skinapi.platform.audit.trail import PURPOSE, AuditTrail
from skinapi.platform.storage.ids import new_id
from skinapi.platform.storage.ports import Document, Documents
from skinapi.platform.storage.store_version import SigningKeys
from skinapi.platform.storage.unit_of_work import AuditRow
from tests.support.backends import PASSWORD, SECRET, Backend

REQUEST_ID = "0af7651916cd43dd8448eb211c80319c"
KEYS = SigningKeys([SECRET], purpose=PURPOSE)
NO_HEAD = "audit rows without a chain head: the newest may be deleted"


def rows_of(backend: Backend, action: str) -> list[Document]:
    return [row for row in backend.audit() if row["action"] == action]


def faults_of(backend: Backend) -> list[str]:
    return [fault.message for fault in backend.services.data.trail.check_integrity()]


def trail_with(backend: Backend, *secrets: str) -> AuditTrail:
    return AuditTrail(backend.services.store, secrets=secrets)


def says_with(backend: Backend, *secrets: str) -> list[str]:
    return [fault.message for fault in trail_with(backend, *secrets).check_integrity()]


def head_at(row: Document) -> Document:
    place = {"chain": "audit", "sequence": row["sequence"], "hash": row["hash"]}
    named = {**place, "key": KEYS.current}
    return {**named, "signature": KEYS.sign(named)}


def set_head(backend: Backend, head: Document) -> None:
    counters = backend.services.store.collection("counters")
    assert counters.update({"id": "audit-head"}, {"$set": head})


def stored_head(backend: Backend) -> Document:
    head = backend.services.store.collection("counters").get("audit-head")
    assert head is not None
    return head


def drop_head(backend: Backend) -> None:
    assert backend.services.store.collection("counters").delete({"id": "audit-head"})


def plain_hash(row: Document) -> str:
    """Return what somebody with the store and the source, but no key, can compute."""
    facts = {name: value for name, value in row.items() if name != "hash" and value is not None}
    text = json.dumps(facts, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def fill(backend: Backend, rows: int = 6) -> None:
    for number in range(rows):
        backend.services.data.trail.record(
            AuditRow("test.act", by="system", target=f"{number // 2}")
        )
    backend.services.data.trail.seal()


def test_a_change_leaves_a_row(backend: Backend) -> None:
    backend.member("ada@example.org", status="waiting")
    admin = backend.member("root@example.org", role="admin")
    admin.call(
        "PATCH", "/users/ada@example.org/approve", json={}, headers={"X-Request-ID": REQUEST_ID}
    )
    (row,) = rows_of(backend, "account.approve")
    assert (row["phase"], row["outcome"]) == ("outcome", "done")
    assert row["by"] == backend.account("root@example.org").id
    assert row["target"] == backend.account("ada@example.org").id
    assert row["request_id"] == REQUEST_ID
    assert faults_of(backend) == []


def test_a_refusal_leaves_its_code(backend: Backend) -> None:
    admin = backend.member("root@example.org", role="admin")
    refused = admin.call("DELETE", "/users/root@example.org")
    assert refused.get_json()["code"] == LastAdmin.code
    (row,) = rows_of(backend, "account.close")
    assert row["outcome"] == LastAdmin.code


def test_no_row_holds_a_name_an_email_or_a_secret(backend: Backend) -> None:
    person = backend.register("ada@example.org", name="Ada Lovelace")
    admin = backend.member("root@example.org", role="admin")
    admin.call("PATCH", "/users/ada@example.org/suspend")
    person.call("POST", "/auth/logout")
    kept = str(backend.audit())
    for secret in ("ada@example.org", "Lovelace", PASSWORD, person.token):
        assert secret not in kept


def test_reading_the_trail_resolves_emails_until_they_are_gone(backend: Backend) -> None:
    backend.member("ada@example.org", status="waiting")
    identifier = backend.account("ada@example.org").id
    admin = backend.member("root@example.org", role="admin")
    admin.call("PATCH", "/users/ada@example.org/approve", json={})
    query = f"/audit?account={identifier}&action=account.approve"
    for row in admin.call("GET", query).get_json():
        assert (row["by_email"], row["target_email"]) == ("root@example.org", "ada@example.org")
    admin.call("DELETE", "/users/ada@example.org")
    after = admin.call("GET", query).get_json()
    assert len(after) == 1
    assert {row["target_email"] for row in after} == {None}
    assert {row["target"] for row in after} == {identifier}


def change_a_row(rows: Documents) -> None:
    rows.update({"sequence": 3}, {"$set": {"by": "somebody-else"}})


def change_a_row_and_its_hash(rows: Documents) -> None:
    (row,) = rows.find({"sequence": 3})
    forged = {**row, "by": "somebody-else"}
    rows.update({"sequence": 3}, {"$set": {"by": forged["by"], "hash": plain_hash(forged)}})


def write_the_newest_anew(rows: Documents) -> None:
    (row,) = rows.find({"sequence": 6})
    hash_ = plain_hash({**row, "outcome": "refused"})
    rows.update({"sequence": 6}, {"$set": {"outcome": "refused", "hash": hash_}})


CHANGED = "was changed after it was written"


@pytest.mark.parametrize(
    ("tamper", "expected"),
    [
        (change_a_row, [f"audit row 3 {CHANGED}"]),
        (
            change_a_row_and_its_hash,
            [f"audit row 3 {CHANGED}", "audit row 4 does not follow the row before it"],
        ),
        (
            write_the_newest_anew,
            [f"audit row 6 {CHANGED}", "audit row 6 is not the one that was written"],
        ),
        (lambda rows: rows.delete({"sequence": 3}), ["audit rows 3 to 3 are missing"]),
        (lambda rows: rows.delete({}), ["audit rows 1 to 6 are missing"]),
    ],
)
def test_what_was_done_to_rows_is_found(
    backend: Backend, tamper: Callable[[Documents], None], expected: list[str]
) -> None:
    fill(backend)
    tamper(backend.services.store.collection("audit"))
    assert faults_of(backend) == expected


def test_a_tail_that_was_cut_off_is_found_and_stays_found(backend: Backend) -> None:
    fill(backend)
    backend.services.store.collection("audit").delete({"sequence": {"$gt": 4}})
    assert faults_of(backend) == ["audit rows 5 to 6 are missing"]
    fill(backend)
    assert faults_of(backend) == ["audit rows 5 to 6 are missing"]
    assert backend.audit()[-1]["sequence"] == 12


def test_a_crash_before_the_chain_head_moves_is_no_fault(backend: Backend) -> None:
    fill(backend)
    for sequence in (2, 4):
        (row,) = [row for row in backend.audit() if row["sequence"] == sequence]
        set_head(backend, head_at(row))
        assert faults_of(backend) == []
    fill(backend)
    assert faults_of(backend) == []


def test_a_reader_sees_which_rows_are_not_signed(backend: Backend) -> None:
    admin = backend.admin()
    backend.services.data.trail.record(AuditRow("photo.read", by="somebody", target="something"))
    backend.services.data.trail.seal()
    assert all(row["signed"] is True for row in admin.call("GET", "/audit").get_json())
    rows = backend.services.store.collection("audit")
    newest = rows.find(sort="-sequence", limit=1)[0]
    rows.update({"id": newest["id"]}, {"$set": {"target": "another thing"}})
    rows.insert({**newest, "id": new_id(), "sequence": newest["sequence"] + 1, "key": "none"})
    seen = [row["signed"] for row in admin.call("GET", "/audit").get_json()]
    assert seen == [False, False] + [True] * (len(seen) - 2)


def test_a_head_that_was_set_back_with_the_tail_is_found(backend: Backend) -> None:
    fill(backend)
    last = backend.audit()[3]
    backend.services.store.collection("audit").delete({"sequence": {"$gt": 4}})
    set_head(backend, {"sequence": 4, "hash": last["hash"]})
    false_head = "the chain head of the audit rows is not signed with a known key"
    assert faults_of(backend) == [false_head]
    fill(backend, 2)
    assert faults_of(backend) == [
        "audit row 5 was written when its chain head was not signed with a known key"
    ]


def test_a_head_that_was_deleted_is_found_and_nothing_mends_it(backend: Backend) -> None:
    fill(backend)
    backend.services.store.collection("audit").delete({"sequence": {"$gt": 4}})
    drop_head(backend)
    (fault,) = backend.services.data.trail.check_integrity()
    assert (fault.message, fault.repair) == (NO_HEAD, None)
    fill(backend, 1)
    assert faults_of(backend) == ["audit row 5 was written when its chain head was missing"]


def test_a_trail_that_was_deleted_whole_is_found(backend: Backend) -> None:
    backend.services.admin.ensure_admin(email="root@example.org", password=None)
    backend.services.data.trail.seal()
    assert list(check_integrity(backend.services)) == []
    backend.services.store.collection("audit").delete({})
    drop_head(backend)
    fill(backend)
    root = backend.account("root@example.org").id
    (fault,) = check_integrity(backend.services)
    assert fault.message == f"no audit row says who made the account {root} an admin"


def test_a_new_secret_verifies_the_rows_of_the_former_ones(backend: Backend) -> None:
    fill(backend)
    trail_with(backend, "second", SECRET).record(AuditRow("test.second", by="a", target="b"))
    backend.services.data.trail.seal()  # it does not know the new secret yet
    trail_with(backend, "third", "second", SECRET).record(
        AuditRow("test.third", by="a", target="b")
    )
    trail_with(backend, "third", "second", SECRET).seal()
    assert says_with(backend, "third", "second", SECRET) == []
    (says,) = says_with(backend, "third")
    assert says.startswith("audit rows 1 to ")
    assert "are signed with an unknown key" in says
    assert "FORMER_JWT_SECRET_KEYS" in says


def test_a_key_that_is_found_again_verifies_what_was_written_while_it_was_lost(
    backend: Backend,
) -> None:
    act = AuditRow("test.second", by="a", target="b")
    fill(backend)
    for trail in (trail_with(backend, "second"), trail_with(backend, "third", "second")):
        trail.record(act, act)
        trail.seal()
    lost = "audit row 7 was written when its chain head was not signed with a known key"
    assert lost in says_with(backend, "third", "second")
    assert says_with(backend, "third", "second", SECRET) == []


def test_a_tail_that_was_cut_off_while_a_key_was_lost_is_found_once_it_is_back(
    backend: Backend,
) -> None:
    act = AuditRow("test.second", by="a", target="b")
    fill(backend)
    backend.services.store.collection("audit").delete({"sequence": {"$gt": 4}})
    second = trail_with(backend, "second")
    for _ in range(3):
        second.record(act)
        second.seal()
    assert says_with(backend, "second", SECRET) == [
        f"audit row {number} was written when its chain head named 6" for number in (5, 6, 7)
    ]


def test_rows_of_an_unknown_key_hold_up_no_other_and_check_names_them(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trail_module, "SEALED_AT_ONCE", 5)
    fill(backend, 1)
    rows = backend.services.store.collection("audit")
    stranger = {**backend.audit()[0], "key": "00000000"}
    for name in ("sequence", "previous", "hash"):
        stranger.pop(name, None)
    rows.insert_many([{**stranger, "id": new_id()} for _ in range(6)])
    fill(backend, 2)
    backend.services.data.trail.seal_all()
    numbered = rows.find({"sequence": {"$gt": 0}}, sort="sequence")
    assert [row["sequence"] for row in numbered] == [1, 2, 3]
    (says,) = faults_of(backend)
    assert says.startswith("6 audit rows are not numbered, because they are signed with an unknown")
    assert "FORMER_JWT_SECRET_KEYS" in says


def test_check_finds_that_a_tail_and_a_head_were_put_back_by_the_log(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("INSTANCE_DIR", str(tmp_path))
    monkeypatch.setenv("JWT_SECRET_KEY", SECRET)
    backend = Backend(tmp_path)
    fill(backend, 2)
    backup = stored_head(backend)
    fill(backend, 2)
    newest = backend.audit()[-1]
    logged = f"{newest['sequence']}:{newest['hash']}"
    assert main(["check", "--logged", logged]) == 0
    backend.services.store.collection("audit").delete({"sequence": {"$gt": 2}})
    set_head(backend, {key: value for key, value in backup.items() if key != "id"})
    assert main(["check"]) == 0  # as docs/security.md says
    assert main(["check", "--repair", "--logged", logged]) == 1
    assert "audit row 4 is missing, or not the one that the log names" in capsys.readouterr().out


def test_the_trail_of_an_account_pages_what_it_did_and_what_was_done_to_it(
    backend: Backend,
) -> None:
    trail = backend.services.data.trail
    ada, bob = "0" * 31 + "a", "0" * 31 + "b"
    for by, target in [(ada, bob), (bob, ada), (ada, ada), (bob, bob), ("system", ada)]:
        for action in ("test.one", "test.two"):
            trail.record(AuditRow(action, by=by, target=target))
    trail.seal()
    admin = backend.member(role="admin")
    shown = [row["sequence"] for row in admin.pages(f"/audit?account={ada}&limit=3")]
    assert shown == [10, 9, 6, 5, 4, 3, 2, 1]
    chosen = admin.pages(f"/audit?account={ada}&action=test.two&limit=2")
    assert [row["sequence"] for row in chosen] == [10, 6, 4, 2]
