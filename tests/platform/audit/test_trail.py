"""The audit trail: a row in the transaction of its change, sealed into one hash chain."""

import hashlib
import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from skinapi.__main__ import main
from skinapi.accounts.auth.errors import LastAdmin
from skinapi.platform.audit import AuditTrail
from skinapi.platform.audit import trail as trail_module
from skinapi.platform.audit.trail import PURPOSE
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.ports import Document, Documents
from skinapi.platform.storage.store_version import SigningKeys
from skinapi.platform.storage.unit_of_work import AuditRow
from tests.support.backends import PASSWORD, SECRET, Backend

REQUEST_ID = "0af7651916cd43dd8448eb211c80319c"
KEYS = SigningKeys([SECRET], purpose=PURPOSE)
NO_HEAD = "audit rows without a chain head: the newest may be deleted"
UNSIGNED = "without a signature: from before rows were signed, or written by somebody else"


def rows_of(backend: Backend, action: str) -> list[Document]:
    return [row for row in backend.audit() if row["action"] == action]


def faults_of(backend: Backend) -> list[str]:
    return [fault.message for fault in backend.services.data.trail.faults()]


def trail_with(backend: Backend, *secrets: str) -> AuditTrail:
    """The trail of a server that was started anew with these secrets."""
    return AuditTrail(backend.services.store, secrets=secrets)


def says_with(backend: Backend, *secrets: str) -> list[str]:
    return [fault.message for fault in trail_with(backend, *secrets).faults()]


def head_at(row: Document) -> Document:
    """What the server stores where this row is the newest."""
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
    """What somebody who has the store and the source, but no key, can compute."""
    facts = {name: value for name, value in row.items() if name != "hash" and value is not None}
    text = json.dumps(facts, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def chain_anew(backend: Backend, kept: list[Document]) -> None:
    """Replace all rows by these, numbered and chained anew, and the head with them."""
    rows = backend.services.store.collection("audit")
    rows.delete({})
    previous = "0" * 64
    for number, row in enumerate(kept, 1):
        forged = {**row, "sequence": number, "previous": previous}
        previous = forged["hash"] = plain_hash(forged)
        rows.insert(forged)
    set_head(backend, {"sequence": len(kept), "hash": previous})


def fill(backend: Backend, rows: int = 6) -> None:
    for number in range(rows):
        backend.services.data.trail.record(
            AuditRow("test.act", by="system", target=f"{number // 2}")
        )
    backend.services.data.trail.seal()


def test_a_change_leaves_a_row(any_backend: Backend) -> None:
    any_backend.member("ada@example.org", status="waiting")
    admin = any_backend.member("root@example.org", role="admin")
    admin.call(
        "PATCH", "/users/ada@example.org/approve", json={}, headers={"X-Request-ID": REQUEST_ID}
    )
    (row,) = rows_of(any_backend, "account.approve")
    assert (row["phase"], row["outcome"]) == ("outcome", "done")
    assert row["by"] == any_backend.account("root@example.org").id
    assert row["target"] == any_backend.account("ada@example.org").id
    assert row["request_id"] == REQUEST_ID
    assert faults_of(any_backend) == []


def test_an_approval_that_makes_a_doctor_leaves_the_row_of_a_change_of_role(
    backend: Backend,
) -> None:
    """Who looked for new doctors in the trail did not find these."""
    admin = backend.admin()
    for email, role in (("ada@example.org", "doctor"), ("bob@example.org", "user")):
        backend.member(email, status="waiting")
        answer = admin.call("PATCH", f"/users/{email}/approve", json={"role": role})
        assert answer.status_code == 200
    rows = rows_of(backend, "account.role_doctor")
    ada = backend.account("ada@example.org")
    assert [row["target"] for row in rows] == [ada.id]


def test_the_trail_says_in_whose_care_a_patient_was_put(backend: Backend) -> None:
    admin, grey = backend.admin(), backend.member("grey@example.org", role="doctor")
    backend.member("ada@example.org")
    for doctor in (grey.email, None):
        answer = admin.call("PUT", "/users/ada@example.org/doctor", json={"doctor": doctor})
        assert answer.status_code == 200
    patients, doctors = rows_of(backend, "account.assign"), rows_of(backend, "doctor.assign")
    assert {row["target"] for row in patients} == {backend.account("ada@example.org").id}
    assert {row["target"] for row in doctors} == {backend.account("grey@example.org").id}
    assert [row["outcome"] for row in doctors] == ["done"]
    assert doctors[0]["request_id"] == patients[0]["request_id"]


def test_a_refusal_leaves_its_code(any_backend: Backend) -> None:
    admin = any_backend.member("root@example.org", role="admin")
    refused = admin.call("DELETE", "/users/root@example.org")
    assert refused.get_json()["code"] == LastAdmin.code
    (row,) = rows_of(any_backend, "account.delete")
    assert row["outcome"] == LastAdmin.code


def test_the_first_admin_is_in_the_audit_trail(backend: Backend) -> None:
    account, _ = backend.services.admin.ensure_admin(email="root@example.org", password=None)
    (row,) = rows_of(backend, "account.role_admin")
    assert (row["by"], row["target"], row["outcome"]) == ("system", account.id, "done")


def test_no_row_holds_a_name_an_email_or_a_secret(backend: Backend) -> None:
    person = backend.register("ada@example.org", name="Ada Lovelace")
    admin = backend.member("root@example.org", role="admin")
    reset = admin.call("POST", "/users/ada@example.org/reset-password").get_json()["password"]
    person.call("POST", "/auth/logout")
    kept = str(backend.audit())
    for secret in ("ada@example.org", "Lovelace", PASSWORD, reset, person.token):
        assert secret not in kept


def test_reading_the_trail_resolves_emails_until_they_are_gone(any_backend: Backend) -> None:
    any_backend.member("ada@example.org", status="waiting")
    identifier = any_backend.account("ada@example.org").id
    admin = any_backend.member("root@example.org", role="admin")
    admin.call("PATCH", "/users/ada@example.org/approve", json={})
    query = f"/audit?account={identifier}&action=account.approve"
    for row in admin.call("GET", query).get_json():
        assert (row["by_email"], row["target_email"]) == ("root@example.org", "ada@example.org")
    admin.call("DELETE", "/users/ada@example.org")
    after = admin.call("GET", query).get_json()
    assert len(after) == 1
    assert {row["target_email"] for row in after} == {None}
    assert {row["target"] for row in after} == {identifier}


def test_the_trail_pages_newest_first_without_loss_or_repeat(any_backend: Backend) -> None:
    fill(any_backend, 24)
    admin = any_backend.member(role="admin")
    numbers = [row["sequence"] for row in admin.pages("/audit?limit=5&action=test.act")]
    assert numbers == list(range(24, 0, -1))
    unknown = admin.call("GET", f"/audit?after={'0' * 32}")
    assert unknown.status_code == 400


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


def swap_two(rows: Documents) -> None:
    for old, new in ((3, 100), (4, 3), (100, 4)):
        rows.update({"sequence": old}, {"$set": {"sequence": new}})


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


def test_reordered_rows_and_a_missing_first_one_are_found(backend: Backend) -> None:
    fill(backend)
    rows = backend.services.store.collection("audit")
    swap_two(rows)
    rows.delete({"sequence": 1})
    found = faults_of(backend)
    for fault in ("rows 1 to 1 are missing", f"row 3 {CHANGED}", f"row 4 {CHANGED}"):
        assert f"audit {fault}" in found


def test_a_tail_that_was_cut_off_is_found_and_stays_found(any_backend: Backend) -> None:
    fill(any_backend)
    any_backend.services.store.collection("audit").delete({"sequence": {"$gt": 4}})
    assert faults_of(any_backend) == ["audit rows 5 to 6 are missing"]
    fill(any_backend)
    assert faults_of(any_backend) == ["audit rows 5 to 6 are missing"]
    assert any_backend.audit()[-1]["sequence"] == 12


def test_a_crash_before_the_chain_head_moves_is_no_fault(backend: Backend) -> None:
    fill(backend)
    for sequence in (2, 4):
        (row,) = [row for row in backend.audit() if row["sequence"] == sequence]
        set_head(backend, head_at(row))
        assert faults_of(backend) == []
    fill(backend)
    assert faults_of(backend) == []


def test_a_trail_that_was_chained_anew_is_found(any_backend: Backend) -> None:
    fill(any_backend)
    chain_anew(any_backend, [row for row in any_backend.audit() if row["target"] != "1"])
    says = faults_of(any_backend)
    assert "audit row 1 was changed after it was written" in says
    assert "the chain head of the audit rows is not signed with a known key" in says


def test_rows_that_nobody_signed_are_found(any_backend: Backend) -> None:
    fill(any_backend)
    unsigned = [{k: v for k, v in row.items() if k != "key"} for row in any_backend.audit()]
    chain_anew(any_backend, unsigned)
    assert f"audit rows 1 to 6 are {UNSIGNED}" in faults_of(any_backend)


def test_a_reader_sees_which_rows_are_not_signed(any_backend: Backend) -> None:
    admin = any_backend.admin()
    any_backend.services.data.trail.record(
        AuditRow("photo.read", by="somebody", target="something")
    )
    any_backend.services.data.trail.seal()
    assert all(row["signed"] is True for row in admin.call("GET", "/audit").get_json())
    rows = any_backend.services.store.collection("audit")
    newest = rows.find(sort="-sequence", limit=1)[0]
    rows.update({"id": newest["id"]}, {"$set": {"target": "another thing"}})
    rows.insert({**newest, "id": new_id(), "sequence": newest["sequence"] + 1, "key": "none"})
    seen = [row["signed"] for row in admin.call("GET", "/audit").get_json()]
    assert seen == [False, False] + [True] * (len(seen) - 2)


def test_a_head_that_was_set_back_with_the_tail_is_found(any_backend: Backend) -> None:
    fill(any_backend)
    last = any_backend.audit()[3]
    any_backend.services.store.collection("audit").delete({"sequence": {"$gt": 4}})
    set_head(any_backend, {"sequence": 4, "hash": last["hash"]})
    false_head = "the chain head of the audit rows is not signed with a known key"
    assert faults_of(any_backend) == [false_head]
    fill(any_backend, 2)
    assert faults_of(any_backend) == [
        "audit row 5 was written when its chain head was not signed with a known key"
    ]


def test_a_row_that_is_not_numbered_as_ours_is_found(backend: Backend) -> None:
    fill(backend)
    forged = {"id": new_id(), "schema": 1, "created_at": now(), "action": "account.delete"}
    forged |= {"by": "a", "target": "b", "phase": "outcome", "outcome": "done", "hash": "forged"}
    rows = backend.services.store.collection("audit")
    for number in (0, "7", 2.5, None):
        rows.insert({**forged, "sequence": number})
        assert faults_of(backend) != []
        rows.delete({"id": forged["id"]})


def test_a_head_that_was_deleted_is_found_and_nothing_mends_it(any_backend: Backend) -> None:
    fill(any_backend)
    any_backend.services.store.collection("audit").delete({"sequence": {"$gt": 4}})
    drop_head(any_backend)
    (fault,) = any_backend.services.data.trail.faults()
    assert (fault.message, fault.repair) == (NO_HEAD, None)
    fill(any_backend, 1)
    assert faults_of(any_backend) == ["audit row 5 was written when its chain head was missing"]


def test_a_trail_that_was_deleted_whole_is_found(any_backend: Backend) -> None:
    any_backend.services.admin.ensure_admin(email="root@example.org", password=None)
    any_backend.services.data.trail.seal()
    assert list(any_backend.services.faults()) == []
    any_backend.services.store.collection("audit").delete({})
    drop_head(any_backend)
    fill(any_backend)
    root = any_backend.account("root@example.org").id
    (fault,) = any_backend.services.faults()
    assert fault.message == f"no audit row says who made the account {root} an admin"


def test_a_new_secret_verifies_the_rows_of_the_former_ones(any_backend: Backend) -> None:
    fill(any_backend)
    trail_with(any_backend, "second", SECRET).record(AuditRow("test.second", by="a", target="b"))
    any_backend.services.data.trail.seal()  # it does not know the new secret yet
    trail_with(any_backend, "third", "second", SECRET).record(
        AuditRow("test.third", by="a", target="b")
    )
    trail_with(any_backend, "third", "second", SECRET).seal()
    assert says_with(any_backend, "third", "second", SECRET) == []
    (says,) = says_with(any_backend, "third")
    assert says.startswith("audit rows 1 to ")
    assert "are signed with an unknown key" in says
    assert "FORMER_JWT_SECRET_KEYS" in says


def test_rows_of_an_unknown_key_hold_up_no_other_and_check_names_them(
    any_backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trail_module, "SEALED_AT_ONCE", 5)
    fill(any_backend, 1)
    rows = any_backend.services.store.collection("audit")
    stranger = {**any_backend.audit()[0], "key": "00000000"}
    for name in ("sequence", "previous", "hash"):
        stranger.pop(name, None)
    rows.insert_many([{**stranger, "id": new_id()} for _ in range(6)])
    fill(any_backend, 2)
    any_backend.services.data.trail.seal_all()
    numbered = rows.find({"sequence": {"$gt": 0}}, sort="sequence")
    assert [row["sequence"] for row in numbered] == [1, 2, 3]
    (says,) = faults_of(any_backend)
    assert says.startswith("6 audit rows are not numbered, because they are signed with an unknown")
    assert "FORMER_JWT_SECRET_KEYS" in says


def test_a_former_secret_signs_no_new_row(backend: Backend) -> None:
    trail_with(backend, "second", SECRET).record(AuditRow("test.second", by="a", target="b"))
    fill(backend, 1)
    says = says_with(backend, "second", SECRET)
    assert "audit row 2 is signed with an older key than the one before" in says


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


@pytest.mark.parametrize("any_backend", ["sqlite", "mongod"], indirect=True)
def test_concurrent_writers_keep_one_chain(any_backend: Backend) -> None:
    store = any_backend.services.store
    trails = [AuditTrail(store, secrets=[SECRET]) for _ in range(4)]  # as four processes would

    def write(number: int) -> None:
        trails[number % 4].record(AuditRow("test.act", by="system", target=str(number)))
        trails[number % 4].seal()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [row["sequence"] for row in any_backend.audit()] == list(range(1, 41))
    assert faults_of(any_backend) == []


def test_the_trail_of_an_account_pages_what_it_did_and_what_was_done_to_it(
    any_backend: Backend,
) -> None:
    trail = any_backend.services.data.trail
    ada, bob = "0" * 31 + "a", "0" * 31 + "b"
    for by, target in [(ada, bob), (bob, ada), (ada, ada), (bob, bob), ("system", ada)]:
        for action in ("test.one", "test.two"):
            trail.record(AuditRow(action, by=by, target=target))
    trail.seal()
    admin = any_backend.member(role="admin")
    shown = [row["sequence"] for row in admin.pages(f"/audit?account={ada}&limit=3")]
    assert shown == [10, 9, 6, 5, 4, 3, 2, 1]
    chosen = admin.pages(f"/audit?account={ada}&action=test.two&limit=2")
    assert [row["sequence"] for row in chosen] == [10, 6, 4, 2]
