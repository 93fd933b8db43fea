"""Numbers of findings: each is taken once, whoever takes them, and rarely from the store."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor

from skinapi.findings.records.submissions import BLOCK, Numbers
from skinapi.platform.storage.ports import Store
from tests.platform.storage.conftest import store

__all__ = ["store"]


def test_no_two_threads_get_the_same(store: Store) -> None:
    each, processes = 3 * BLOCK, [Numbers(store) for _ in range(2)]
    start = threading.Barrier(8)

    def take(place: int) -> list[int]:
        start.wait()
        return [processes[place % 2].take() for _ in range(each)]

    with ThreadPoolExecutor(8) as pool:
        taken = [number for part in pool.map(take, range(8)) for number in part]
    assert len(set(taken)) == 8 * each


def test_a_fork_takes_a_block_of_its_own(store: Store) -> None:
    numbers = Numbers(store)
    before = numbers.take()
    numbers._pid = os.getppid()  # as a child sees what its parent reserved
    assert numbers.take() == before + BLOCK


def test_after_a_restore_it_goes_on_behind_the_highest(store: Store) -> None:
    numbers = Numbers(store)
    numbers.take()
    numbers.skip_to(500)
    assert numbers.take() == 501
    numbers.skip_to(400)
    assert numbers.take() == 501 + BLOCK
