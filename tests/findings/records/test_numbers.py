import os
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from skinapi.platform.storage.numbers import BLOCK, Numbers
from skinapi.platform.storage.ports import Store
from tests.findings.prediction.photographer import listed, predicted, send
from tests.platform.storage.conftest import store
from tests.served.wire import at_once
from tests.support.backends import Backend
from tests.support.photos import photo_of

__all__ = ["store"]


def test_no_two_threads_get_the_same(store: Store) -> None:
    each, processes = 3 * BLOCK, [Numbers(store) for _ in range(2)]
    start = threading.Barrier(8)

    def take(place: int) -> list[int]:
        start.wait()
        return [processes[place % 2].next_number() for _ in range(each)]

    with ThreadPoolExecutor(8) as pool:
        taken = [number for part in pool.map(take, range(8)) for number in part]
    assert len(set(taken)) == 8 * each


def test_a_fork_takes_a_block_of_its_own(store: Store) -> None:
    numbers = Numbers(store)
    before = numbers.next_number()
    numbers._pid = os.getppid()  # as a child sees what its parent reserved
    assert numbers.next_number() == before + BLOCK


def test_after_a_restore_it_goes_on_behind_the_highest(store: Store) -> None:
    numbers = Numbers(store)
    numbers.next_number()
    numbers.skip_to(500)
    assert numbers.next_number() == 501
    numbers.skip_to(400)
    assert numbers.next_number() == 501 + BLOCK


@pytest.fixture
def given() -> dict[str, Any]:
    return {"rate_predictions": "3/day, doctor=4/day", "most_submissions": 2}


def test_an_account_that_keeps_enough_is_told_to_delete_some(backend: Backend) -> None:
    ada = backend.member()
    kept = [predicted(ada, key=f"k{number}", keep_photo="true") for number in range(2)]
    before = backend.stored()
    refused = send(ada, keep_photo="true")
    assert (refused.status_code, refused.get_json()["code"]) == (507, "storage_quota_reached")
    told = "This account has as many findings as it may (2). Delete some, then try again."
    assert refused.get_json()["message"] == told
    assert backend.stored() == before
    assert ada.call("GET", "/submissions").get_json() == [*map(listed, kept)]
    assert predicted(ada, key="k1", keep_photo="true") == kept[1]
    ada.call("DELETE", f"/submissions/{kept[0]['id']}")
    predicted(ada)


def test_photos_are_counted_by_the_day_whatever_becomes_of_them(backend: Backend) -> None:
    ada, doctor = backend.member(), backend.member(role="doctor")
    first = predicted(ada, key="k")
    assert send(ada, b"no photo").status_code == 422
    ada.call("DELETE", f"/submissions/{predicted(ada)['id']}")
    refused = send(ada)
    assert (refused.status_code, refused.get_json()["code"]) == (429, "prediction_quota_reached")
    assert 80_000 < int(refused.headers["Retry-After"]) <= 86_400
    assert '"predictions";q=3;w=86400' in refused.headers["RateLimit-Policy"]
    assert refused.headers["RateLimit-Policy"].startswith('"write";')
    assert predicted(ada, key="k") == first
    assert [send(doctor, b"no photo").status_code for _ in range(5)] == [422] * 4 + [429]


def test_at_once_no_more_are_judged(backend: Backend) -> None:
    ada, sent = backend.member(role="doctor"), photo_of("melanoma")
    answers = at_once([partial(send, ada, sent, keep_photo="false")] * 8)
    found = Counter(answer.status_code for answer in answers)
    assert found[200] <= 4
    assert found.keys() <= {200, 429, 507}
