from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from skinapi.platform.storage.ids import new_id
from skinapi.platform.storage.unit_of_work import AuditRow
from tests.faults.actors import PATIENCE_S, Actor, Patient
from tests.faults.checker import violations
from tests.faults.history import Contents, Event, History, read_contents
from tests.served.people import Caller, Seeder
from tests.served.photo_clients import lesions
from tests.served.server import Server
from tests.support.size import size

ACTORS = size(2, 6)
PATIENTS = size(5, 8)
CONTESTED = 12


@dataclass(frozen=True)
class Drill:
    server: Server
    history: History
    admin: Caller


@contextmanager
def acting(
    server: Server, seed: int, actors: int = ACTORS, *, patience_s: float = PATIENCE_S
) -> Iterator[Drill]:
    history = History(server.folder / "history.jsonl")
    contested = [f"wanted-{new_id()[-12:]}@example.org" for _ in range(CONTESTED)]
    with closing(Seeder(server)) as seeder:
        admin = seeder.person("admin")
        seeder.services.data.trail.record(
            AuditRow("account.role_admin", by="system", target=admin.id)
        )
        working = [
            Actor(
                admin=admin,
                patients=[_patient(seeder, history) for _ in range(PATIENTS)],
                photos=lesions(4, seed=seed),
                contested=contested,
                history=history,
                seed=f"{seed}-{number}",
                patience_s=patience_s,
            )
            for number in range(actors)
        ]
    for actor in working:
        actor.start()
    try:
        yield Drill(server, history, admin)
    finally:
        for actor in working:
            actor.finish()


def _patient(seeder: Seeder, history: History) -> Patient:
    caller = seeder.person()
    history.record(Event("enrol", caller.email, caller.id, 201))
    return Patient(caller)


def assert_all_promises_are_kept(drill: Drill) -> str:
    """Compare before and after `check --repair`, which leaves nothing to repair. Report the
    figures.
    """
    events = list(drill.history.events())
    before = contents_of(drill)
    broken = violations(events, before)
    assert not broken, broken
    status, said = drill.server.check_here()
    assert status == 0, said
    after = contents_of(drill)
    broken = [*violations(events, after), *after.faults]
    assert not broken, broken
    statuses = dict(sorted(Counter(event.status for event in events).items()))
    done = sum(event.done for event in events if event.action != "enrol")
    assert done > 0
    return (
        f"{done} acknowledged, 0 lost, 0 twice; {len(before.faults)} explained faults, 0 after "
        f"repair; statuses {statuses}"
    )


def contents_of(drill: Drill) -> Contents:
    with closing(Seeder(drill.server)) as seeder:
        return read_contents(seeder.services)
