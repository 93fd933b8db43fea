"""Migrations: one process at a time, in chunks, from where the last one ended."""

from datetime import timedelta

import pytest

from skinapi.storage import migration
from skinapi.storage.background import LEASE
from skinapi.storage.ids import first_id_at, new_id, now
from skinapi.storage.migration import MIGRATIONS, OVERLAP, Chunk, Migration, Migrator
from skinapi.storage.ports import Store

MOST = 10


class Filling:
    """Fills a field of all things, ten at a time, and notes what it looked at."""

    def __init__(self, store: Store) -> None:
        self.things = store.collection("things")
        self.seen: list[str] = []
        self.migration = Migration(version=2, name="fills", fill=self.fill)

    def fill(self, after: str | None) -> Chunk | None:
        found = self.things.find(after=after, limit=MOST)
        for thing in found:
            self.seen.append(thing["id"])
            self.things.update({"id": thing["id"]}, {"$set": {"filled": True}})
        return Chunk(found[-1]["id"], len(found)) if found else None

    def add(self, number: int, *, age: timedelta = timedelta(days=1)) -> list[str]:
        first = int(first_id_at(now() - age), 16)
        ids = [f"{first + each:032x}" for each in range(number)]
        self.things.insert_many([{"id": each, "schema": 1, "created_at": now()} for each in ids])
        return ids


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migration, "PAUSE", 0.0)


@pytest.fixture
def filling(store: Store) -> Filling:
    return Filling(store)


def test_everything_is_filled_once_and_later_only_what_is_new(
    store: Store, filling: Filling
) -> None:
    ids = filling.add(2 * MOST + 1)
    assert Migrator(store, []).make_pass(filling.migration)
    assert filling.seen == ids
    added = [*filling.add(1, age=timedelta(hours=1)), *filling.add(1, age=timedelta(0))]
    assert Migrator(store, []).make_pass(filling.migration)
    assert filling.seen == [*ids, *added]
    assert filling.things.count({"filled": True}) == len(ids) + 2


def test_what_was_stored_just_before_the_end_of_a_pass_is_looked_at_again(
    store: Store, filling: Filling
) -> None:
    """Another server, whose clock is a little behind, may have stored something before it."""
    (late,) = filling.add(1, age=timedelta(0))
    assert Migrator(store, []).make_pass(filling.migration)
    (earlier,) = filling.add(1, age=OVERLAP / 2)
    assert Migrator(store, []).make_pass(filling.migration)
    assert filling.seen == [late, earlier, late]


def test_a_record_of_a_wrong_clock_does_not_end_the_migration(
    store: Store, filling: Filling
) -> None:
    filling.add(1, age=timedelta(days=-400))
    assert Migrator(store, []).make_pass(filling.migration)
    added = filling.add(1, age=timedelta(0))
    assert Migrator(store, []).make_pass(filling.migration)
    assert added[0] in filling.seen


def test_one_process_at_a_time_works_on_it(store: Store, filling: Filling) -> None:
    filling.add(MOST)
    answers = []

    def fill(after: str | None) -> Chunk | None:
        answers.append(Migrator(store, []).make_pass(filling.migration))
        return filling.fill(after)

    assert Migrator(store, []).make_pass(Migration(version=2, name="fills", fill=fill))
    assert answers == [False, False]  # at the chunk, and at the end
    assert len(filling.seen) == MOST


def test_after_an_interruption_another_process_goes_on(store: Store, filling: Filling) -> None:
    ids = filling.add(3 * MOST)

    def fail(after: str | None) -> Chunk | None:
        if after == ids[MOST - 1]:
            raise KeyboardInterrupt
        return filling.fill(after)

    with pytest.raises(KeyboardInterrupt):
        Migrator(store, []).make_pass(Migration(version=2, name="fills", fill=fail))
    other = Migrator(store, [])
    assert not other.make_pass(filling.migration)  # the lease of the dead process
    lapsed = {"$set": {"held_until_at": now()}}
    assert store.collection(MIGRATIONS).update({"id": "fills"}, lapsed)
    assert other.make_pass(filling.migration)
    assert filling.seen == ids


def test_a_process_that_lost_its_lease_stops(store: Store, filling: Filling) -> None:
    ids = filling.add(3 * MOST)
    others = []

    def freeze(after: str | None) -> Chunk | None:
        chunk = filling.fill(after)
        lapsed = {"$set": {"held_until_at": now()}}
        store.collection(MIGRATIONS).update({"id": "fills"}, lapsed)
        others.append(Migrator(store, []).make_pass(filling.migration))
        return chunk

    frozen = Migration(version=2, name="fills", fill=freeze)
    assert not Migrator(store, []).make_pass(frozen)
    assert others == [True]
    assert filling.seen == [*ids[:MOST], *ids]  # it was told so when it renewed its lease


def test_a_lease_of_a_wrong_clock_blocks_nobody(store: Store, filling: Filling) -> None:
    ahead = now() + timedelta(days=400)
    held = {"id": "fills", "schema": 1, "created_at": now(), "holder": new_id()}
    store.collection(MIGRATIONS).insert({**held, "held_until_at": ahead})
    filling.add(1)
    assert ahead > now() + 2 * LEASE
    assert Migrator(store, []).make_pass(filling.migration)
    assert len(filling.seen) == 1


def test_a_server_that_stops_ends_after_its_chunk(store: Store, filling: Filling) -> None:
    """And the next one need not wait for the lease."""
    ids = filling.add(3 * MOST)
    migrator = Migrator(store, [])

    def fill(after: str | None) -> Chunk | None:
        migrator.stop()
        return filling.fill(after)

    migrator.make_pass(Migration(version=2, name="fills", fill=fill))
    assert filling.seen == ids[:MOST]
    assert Migrator(store, []).make_pass(filling.migration)
    assert filling.seen == ids


def test_a_server_goes_on_until_its_pass_is_complete(
    store: Store, filling: Filling, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever fails: another process at work, or a damaged record."""
    monkeypatch.setattr(migration, "UPGRADE_S", 0.0)
    monkeypatch.setattr(migration, "PASS_EVERY_S", 0.0)
    filling.add(1)
    tried = []

    def fill(after: str | None) -> Chunk | None:
        tried.append(after)
        if len(tried) == 1:
            store.collection(MIGRATIONS).update({"id": "fills"}, {"$set": {"held_until_at": now()}})
            raise KeyError("damaged")
        return filling.fill(after)

    migrator = Migrator(store, [Migration(version=2, name="fills", fill=fill)])
    migrator.start()
    assert migrator._thread
    migrator._thread.join(10)
    assert not migrator._thread.is_alive()
    assert len(filling.seen) == 1
