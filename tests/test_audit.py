"""The trail: an intent before, an outcome after, one unbroken chain."""

import threading
from datetime import timedelta

import pytest

from skinapi.audit import AuditTrail, chained_hash
from skinapi.auth.errors import LastAdmin
from skinapi.storage.ports import Document
from tests.backends import PASSWORD, Backend


def rows_of(backend: Backend, action: str) -> list[Document]:
    return [row for row in backend.audit() if row["action"] == action]


def faults_of(backend: Backend) -> list[str]:
    return [fault.says for fault in backend.services.trail.faults()]


def fill(backend: Backend, acts: int = 3) -> None:
    for number in range(acts):
        with backend.services.trail.act("test.act", by="system", target=f"{number}"):
            pass


def test_a_change_leaves_an_intent_and_an_outcome(any_backend: Backend) -> None:
    any_backend.member("ada@example.org", status="waiting")
    admin = any_backend.member("root@example.org", role="admin")
    admin.call(
        "PATCH", "/users/ada@example.org/approve", json={}, headers={"X-Request-ID": "walk-0001"}
    )
    intent, outcome = rows_of(any_backend, "account.approve")
    assert (intent["phase"], outcome["phase"]) == ("intent", "outcome")
    assert (outcome["outcome"], outcome["intent"]) == ("done", intent["id"])
    for row in (intent, outcome):
        assert row["by"] == any_backend.account("root@example.org").id
        assert row["target"] == any_backend.account("ada@example.org").id
        assert row["request_id"] == "walk-0001"
    assert faults_of(any_backend) == []


def test_the_intent_is_there_before_the_change(backend: Backend) -> None:
    with backend.services.trail.act("test.act", by="system", target="x"):
        (intent,) = backend.audit()
        assert intent["phase"] == "intent"


def test_a_refusal_leaves_its_code(any_backend: Backend) -> None:
    admin = any_backend.member("root@example.org", role="admin")
    refused = admin.call("DELETE", "/users/root@example.org")
    assert refused.get_json()["code"] == LastAdmin.code
    _, outcome = rows_of(any_backend, "account.delete")
    assert outcome["outcome"] == LastAdmin.code


def test_a_bug_leaves_an_interruption(backend: Backend) -> None:
    with (
        pytest.raises(ZeroDivisionError),
        backend.services.trail.act("test.act", by="a", target="b"),
    ):
        _ = 1 // 0
    assert backend.audit()[-1]["outcome"] == "interrupted"


def test_the_first_admin_is_in_the_trail_too(backend: Backend) -> None:
    account, _ = backend.services.admin.ensure_admin(email="root@example.org", password=None)
    intent, outcome = rows_of(backend, "account.role_admin")
    assert intent["created_at"] <= account.created_at
    assert (intent["by"], intent["target"], outcome["outcome"]) == ("system", account.id, "done")


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
    assert len(after) == 2
    assert {row["target_email"] for row in after} == {None}
    assert {row["target"] for row in after} == {identifier}


def test_the_trail_pages_newest_first_without_loss_or_repeat(any_backend: Backend) -> None:
    fill(any_backend, 12)
    admin = any_backend.member(role="admin")
    numbers = [row["sequence"] for row in admin.pages("/audit?limit=5&action=test.act")]
    assert numbers == list(range(24, 0, -1))
    unknown = admin.call("GET", f"/audit?after={'0' * 32}")
    assert unknown.status_code == 400


def test_a_changed_row_is_found(any_backend: Backend) -> None:
    fill(any_backend)
    rows = any_backend.services.store.collection("audit")
    rows.update({"sequence": 3}, {"$set": {"by": "somebody-else"}})
    assert faults_of(any_backend) == ["audit row 3 was changed after it was written"]


def test_a_missing_row_is_found(any_backend: Backend) -> None:
    fill(any_backend)
    any_backend.services.store.collection("audit").delete({"sequence": 3})
    assert faults_of(any_backend) == ["audit rows 3 to 3 are missing"]


def test_a_missing_first_row_is_found(backend: Backend) -> None:
    fill(backend)
    backend.services.store.collection("audit").delete({"sequence": 1})
    assert "audit rows 1 to 1 are missing" in faults_of(backend)


def test_reordered_rows_are_found(backend: Backend) -> None:
    fill(backend)
    rows = backend.services.store.collection("audit")
    for old, new in ((3, 100), (4, 3), (100, 4)):
        rows.update({"sequence": old}, {"$set": {"sequence": new}})
    says = faults_of(backend)
    assert "audit row 3 was changed after it was written" in says
    assert "audit row 4 was changed after it was written" in says


def test_a_rewritten_row_breaks_the_link_to_the_next(backend: Backend) -> None:
    fill(backend)
    rows = backend.services.store.collection("audit")
    (row,) = rows.find({"sequence": 3})
    forged = {**row, "by": "somebody-else"}
    rows.update({"sequence": 3}, {"$set": {"by": forged["by"], "hash": chained_hash(forged)}})
    assert faults_of(backend) == ["audit row 4 does not follow the row before it"]


def test_a_tail_that_was_cut_off_is_found_and_stays_found(any_backend: Backend) -> None:
    fill(any_backend)
    any_backend.services.store.collection("audit").delete({"sequence": {"$gt": 4}})
    assert faults_of(any_backend) == ["audit rows 5 to 6 are missing"]
    fill(any_backend)
    assert faults_of(any_backend) == ["audit rows 5 to 6 are missing"]
    assert any_backend.audit()[-1]["sequence"] == 12


def test_a_trail_that_was_emptied_is_found(any_backend: Backend) -> None:
    fill(any_backend)
    any_backend.services.store.collection("audit").delete({})
    assert faults_of(any_backend) == ["audit rows 1 to 6 are missing"]


def test_a_tail_that_was_written_anew_is_found(backend: Backend) -> None:
    fill(backend)
    rows = backend.services.store.collection("audit")
    last = backend.audit()[-1]
    forged = {**last, "outcome": "refused"}
    forged["hash"] = chained_hash(forged)
    rows.update({"id": last["id"]}, {"$set": {"outcome": "refused", "hash": forged["hash"]}})
    assert faults_of(backend) == ["audit row 6 is not the one that was written"]


def test_a_crash_before_the_chain_head_moves_is_no_fault(backend: Backend) -> None:
    fill(backend)
    counters = backend.services.store.collection("counters")
    for sequence in (2, 4):
        (row,) = [row for row in backend.audit() if row["sequence"] == sequence]
        link = {"sequence": sequence, "hash": row["hash"]}
        counters.update({"id": "audit-anchor"}, {"$set": link})
        assert faults_of(backend) == []
    fill(backend)
    assert faults_of(backend) == []


def test_a_lost_chain_head_is_found_and_repaired(any_backend: Backend) -> None:
    fill(any_backend)
    any_backend.services.store.collection("counters").delete({"id": "audit-anchor"})
    (fault,) = any_backend.services.trail.faults()
    assert fault.says == "audit row 6 has no chain head"
    assert fault.repair is not None
    fault.repair()
    assert faults_of(any_backend) == []


def test_an_old_intent_without_outcome_is_found_and_closed(
    any_backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(any_backend, 1)
    any_backend.services.store.collection("audit").delete({"phase": "outcome"})
    any_backend.services.store.collection("counters").delete({"id": "audit-anchor"})
    assert faults_of(any_backend) == []
    monkeypatch.setattr("skinapi.audit.LONGEST_ACT", timedelta(seconds=-1))
    (fault,) = any_backend.services.trail.faults()
    assert fault.says == "audit row 1 (test.act) has no outcome"
    assert fault.repair is not None
    fault.repair()
    assert any_backend.audit()[-1]["outcome"] == "unknown"
    assert faults_of(any_backend) == []


def test_a_repair_may_be_followed_by_the_real_outcome(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skinapi.audit.LONGEST_ACT", timedelta(seconds=-1))
    with backend.services.trail.act("test.act", by="system", target="x"):
        (fault,) = backend.services.trail.faults()
        assert fault.repair is not None
        fault.repair()
    assert [row.get("outcome") for row in backend.audit()] == [None, "unknown", "done"]
    assert faults_of(backend) == []


@pytest.mark.parametrize("any_backend", ["sqlite", "mongod"], indirect=True)
def test_forty_writers_keep_one_chain(any_backend: Backend) -> None:
    store = any_backend.services.store
    trails = [AuditTrail(store, lambda: None) for _ in range(4)]  # as four processes would

    def write(number: int) -> None:
        with trails[number % 4].act("test.act", by="system", target=str(number)):
            pass

    threads = [threading.Thread(target=write, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [row["sequence"] for row in any_backend.audit()] == list(range(1, 81))
    assert faults_of(any_backend) == []


def test_the_trail_of_an_account_pages_what_it_did_and_what_was_done_to_it(
    any_backend: Backend,
) -> None:
    trail = any_backend.services.trail
    ada, bob = "0" * 31 + "a", "0" * 31 + "b"
    for by, target in [(ada, bob), (bob, ada), (ada, ada), (bob, bob), ("system", ada)]:
        for action in ("test.one", "test.two"):
            trail.note(action, by=by, target=target)
    admin = any_backend.member(role="admin")
    shown = [row["sequence"] for row in admin.pages(f"/audit?account={ada}&limit=3")]
    assert shown == [10, 9, 6, 5, 4, 3, 2, 1]
    chosen = admin.pages(f"/audit?account={ada}&action=test.two&limit=2")
    assert [row["sequence"] for row in chosen] == [10, 6, 4, 2]
