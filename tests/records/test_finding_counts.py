"""What an account keeps is counted in steps that do not grow, and never below the truth."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from skinapi.records.finding_counts import MOST_COUNTED, NEWEST, FindingCounts
from skinapi.records.submissions import Submissions
from skinapi.storage.ids import new_id
from skinapi.storage.ports import Store
from skinapi.storage.sqlite import SqliteStore
from tests.backends import Backend
from tests.bulk_insert import fill
from tests.prediction.photographer import predicted
from tests.size import size
from tests.storage.conftest import real_store, store

__all__ = ["real_store", "store"]
ADA, BOB = new_id(), new_id()
MANY = size(400, 10_000)


class StoredFindings:
    """Submissions of two owners as the counts see them: an owner and a number."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.counts = FindingCounts(store)
        self.submissions = store.collection("submissions")
        self._number = 0

    def add(self, owner: str = ADA, many: int = 1) -> None:
        numbers = range(self._number + 1, self._number + many + 1)
        self._number += many
        rows = [{"id": new_id(), "owner": owner, "number": number} for number in numbers]
        fill(self.store, "submissions", rows)

    def exact(self, owner: str = ADA) -> int:
        return self.submissions.count({"owner": owner})


@pytest.fixture
def stored(store: Store) -> StoredFindings:
    return StoredFindings(store)


def test_the_quota_is_reached_by_the_last_finding_and_not_before(stored: StoredFindings) -> None:
    most = 2 * MOST_COUNTED + 7
    for kept in range(0, most, 10):
        assert not stored.counts.reaches(ADA, most), kept
        stored.add(many=min(10, most - 1 - kept))
        stored.add(BOB)
    assert stored.exact() == most - 1
    assert not stored.counts.reaches(ADA, most)
    stored.add()
    assert stored.counts.reaches(ADA, most)
    assert not stored.counts.reaches(BOB, most)


def test_deleting_makes_room_whatever_was_counted_before(stored: StoredFindings) -> None:
    stored.add(many=MANY)
    assert not stored.counts.reaches(ADA, MANY + 1)
    assert stored.counts.reaches(ADA, MANY)
    stored.submissions.delete({"owner": ADA, "number": {"$lte": 3}})
    assert not stored.counts.reaches(ADA, MANY - 2)
    assert stored.counts.reaches(ADA, MANY - 3)
    stored.submissions.delete({"owner": ADA})
    assert not stored.counts.reaches(ADA, 1)


def test_a_photo_counts_only_the_newest_findings(
    stored: StoredFindings, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored.add(many=MANY)
    stored.counts.reaches(ADA, 10 * MANY)
    counted = noting_counts(stored, monkeypatch)
    for _ in range(3 * NEWEST):
        stored.add()
        assert not stored.counts.reaches(ADA, 10 * MANY)
    assert max(counted) <= MOST_COUNTED + 1
    assert len(counted) <= 3 * NEWEST + 3


def noting_counts(stored: StoredFindings, patch: pytest.MonkeyPatch) -> list[int]:
    """What each count of submissions answers from now on."""
    answers: list[int] = []
    count: Callable[..., int] = stored.submissions.count

    def noting(*args: Any) -> int:
        answers.append(count(*args))
        return answers[-1]

    patch.setattr(stored.submissions, "count", noting)
    return answers


def test_a_crash_anywhere_leaves_a_bound_that_holds(
    stored: StoredFindings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was written of an advance, or was not."""
    stored.add(many=MANY)

    def die(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(stored.store.collection("finding_counts"), "update", die)
        with pytest.raises(KeyboardInterrupt):
            stored.counts.reaches(ADA, 10 * MANY)
    assert stored.counts.reaches(ADA, MANY)
    assert not stored.counts.reaches(ADA, MANY + 1)


def test_an_older_count_that_is_written_last_still_holds(stored: StoredFindings) -> None:
    stored.add(many=MANY)
    older = stored.counts._read(ADA)
    stored.counts.reaches(ADA, 10 * MANY)
    stored.add(many=MANY)
    stored.counts.reaches(ADA, 10 * MANY)
    stored.counts._advance(ADA, older)
    stored.submissions.delete({"owner": ADA, "number": {"$lte": 5}})
    assert stored.counts.reaches(ADA, 2 * MANY - 5)
    assert not stored.counts.reaches(ADA, 2 * MANY - 4)


def test_of_many_who_file_at_once_none_is_missed(real_store: Store) -> None:
    """MongoDB takes the number and files under it one after the other, so a thread that stands
    still while NEWEST others are filed can be missed there, once each at most.
    """
    stored, each = StoredFindings(real_store), size(60, 600)
    submissions = Submissions(real_store)

    def file_one() -> None:
        number = submissions.take_number()
        stored.submissions.insert({"id": new_id(), "owner": ADA, "number": number})

    def file_and_ask() -> None:
        for _ in range(each):
            file_one()
            stored.counts.reaches(ADA, 100 * each)

    threads = [threading.Thread(target=file_and_ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    bound = stored.counts._read(ADA)
    behind = {"owner": ADA, "number": {"$gt": bound.through}}
    assert bound.value > 0
    assert stored.exact() == 4 * each
    missed = stored.exact() - bound.value - stored.submissions.count(behind)
    assert 0 <= missed <= (0 if isinstance(real_store, SqliteStore) else len(threads))


def test_an_erased_account_leaves_no_count(any_backend: Backend) -> None:
    backend, ada = any_backend, any_backend.member()
    account = backend.account(ada.email)
    predicted(ada)
    (first,) = backend.services.store.collection("submissions").find()
    copies = range(2, MOST_COUNTED + 3)
    fill(
        backend.services.store,
        "submissions",
        ({**first, "id": new_id(), "number": n} for n in copies),
    )
    predicted(ada)
    assert [row["id"] for row in backend.stored()["finding_counts"]] == [account.id]
    backend.services.eraser.erase(account)
    assert backend.stored().get("finding_counts", []) == []
    assert list(backend.services.faults()) == []


def test_check_finds_a_count_below_what_is_kept(backend: Backend) -> None:
    ada = backend.member()
    predicted(ada)
    account = backend.account(ada.email)
    counts = backend.services.store.collection("finding_counts")
    counts.insert({"id": account.id, "through": 10**9, "value": 0})  # of a later backup
    (fault,) = backend.services.faults()
    assert fault.says == f"account {account.id} keeps more findings than counted"
    assert fault.repair
    fault.repair()
    assert list(backend.services.faults()) == []
    counts.insert({"id": new_id(), "through": 1, "value": 1})
    (fault,) = backend.services.faults()
    assert fault.says.endswith("which is gone")
