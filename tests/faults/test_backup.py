"""A backup beside working servers, restored into the other kind of store: whatever was acknowledged
before it began is there.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.checker import violations
from tests.faults.drill import Drill, acting, contents_of
from tests.faults.history import Event
from tests.served.conftest import environment_of
from tests.served.server import Server, serving, stopping

ROUNDS = 3
ACTING_S = 20


@pytest.mark.drill
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("source", ["sqlite", "mongod"])
def test_a_backup_under_load_has_all_that_was_acknowledged_before_it(
    tmp_path: Path,
    mongo_uri: str,
    source: str,
    seed: int,
    report: Callable[[str], None],
) -> None:
    settings = {"PHOTOS": "always", **environment_of(mongo_uri if source == "mongod" else "")}
    backups = [tmp_path / f"backup-{number}.tar" for number in range(ROUNDS)]
    told = []
    with serving(tmp_path / "source", settings, workers=2) as server, acting(server, seed) as drill:
        for backup in backups:
            time.sleep(ACTING_S)
            told.append(len(list(drill.history.events())))
            done = server.run("backup", str(backup))
            assert done.returncode == 0, done.stderr
    # The load is over: it works on the source, and would only take time from a restore.
    for number, (before, backup) in enumerate(zip(told, backups, strict=True)):
        target = environment_of("" if source == "mongod" else mongo_uri)
        report(restored(drill, before, backup, target, tmp_path / f"target-{number}"))


def restored(drill: Drill, told: int, backup: Path, target: dict[str, str], folder: Path) -> str:
    """Restore into the target, serve it, and hold the history against it."""
    other = Server(folder, {"PHOTOS": "always", **target}, workers=1)
    done = other.run("restore", str(backup))
    assert done.returncode == 0, done.stdout + done.stderr
    with stopping(other):
        other.start()
        there = replace(drill, server=other)
        events = [
            event if number < told else _unknown(event)
            for number, event in enumerate(drill.history.events())
        ]
        contents = contents_of(there, events)
        assert contents.audit[-1]["action"] == "store.restore"
        broken = [*violations(events, contents), *contents.faults]
        assert not broken, broken
    before = sum(event.done for event in events[:told] if event.action != "enrol")
    assert before > 0
    return f"{before} acknowledged before the backup, 0 lost; {done.stdout.splitlines()[0]}"


def _unknown(event: Event) -> Event:
    """What was asked for after the backup began may be in it, or not."""
    return replace(event, status=0)
