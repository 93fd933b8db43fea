"""Fills fields that earlier code did not store, in the background, while servers go on serving.

A migration walks a collection by id, a chunk at a time, and remembers how far it came. One process
works at a time, and renews its lease with every chunk. After an interruption another process goes
on from there.

Servers of the version before may still run, and store records without the field. So a pass begins
a little before the place where the last one ended, and for some time after its start each process
makes one now and then. Readers must not rely on the field before the next version.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from skinapi.errors import StoreUnavailable
from skinapi.logs import log
from skinapi.storage.background import BackgroundThread, Lease
from skinapi.storage.ids import first_id_at, now
from skinapi.storage.ports import Store

MIGRATIONS = "migrations"
# Clocks of servers differ by seconds, and a record is stored a moment after its id was made.
OVERLAP = timedelta(minutes=5)
PASS_EVERY_S = 30.0
UPGRADE_S = 3600.0  # so long may servers of the version before run beside this process
PAUSE = 1.0  # times as long as a chunk took, so that requests get the other half of a core


class Chunk(NamedTuple):
    """The id of the last record that was looked at, and how many records were changed."""

    last: str
    changed: int


@dataclass(frozen=True)
class Migration:
    """`version` is the store's version that it leads to. `fill(after)` looks at the next records
    behind this id, and changes those that need it; None at the end. It may be repeated.
    """

    version: int
    name: str
    fill: Callable[[str | None], Chunk | None]


class Migrator(BackgroundThread):
    """Runs the migrations in a thread of its own."""

    def __init__(self, store: Store, migrations: Sequence[Migration]) -> None:
        super().__init__("migrator")
        self._documents = store.collection(MIGRATIONS)
        self._migrations = list(migrations)

    def run(self) -> None:
        end = time.monotonic() + UPGRADE_S
        complete = False
        while not self.stopping.is_set() and not (complete and time.monotonic() > end):
            ended = [self._try(migration) for migration in self._migrations]
            complete = all(ended)
            self.stopping.wait(PASS_EVERY_S)

    def _try(self, migration: Migration) -> bool:
        """Whether this process came to its end."""
        try:
            return self.make_pass(migration)
        except StoreUnavailable:
            return False
        except Exception as error:  # noqa: BLE001 (a damaged record must not end the rest)
            log.error("not migrated", migration=migration.name, reason=type(error).__name__)
            return False

    def make_pass(self, migration: Migration) -> bool:
        """Go on with this migration to its end. False where another process works on it, or has
        taken it over. Raises StoreUnavailable.
        """
        lease = Lease(self._documents, migration.name)
        held = lease.claim()
        if held is None:
            return False
        after, changed, began = held.get("reached"), 0, time.monotonic()
        while not self.stopping.is_set() and (chunk := migration.fill(after)):
            took_s = time.monotonic() - began
            after, changed = chunk.last, changed + chunk.changed
            # An id may lie in the future, where a clock was wrong.
            reached = min(after, first_id_at(now() - OVERLAP))
            if not lease.renew(reached=reached):
                return False
            self.stopping.wait(PAUSE * took_s)
            began = time.monotonic()
        lease.release()
        if changed:
            log.info("migrated", migration=migration.name, version=migration.version, count=changed)
        return True
