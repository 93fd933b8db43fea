"""Races over two workers: one e-mail has one owner, and an admin is always left."""

import time
from collections import Counter
from collections.abc import Callable
from functools import partial

from skinapi.platform.storage.ids import new_id
from tests.served.people import Caller, Seeder
from tests.served.server import Server
from tests.served.wire import Answer, ask, at_once
from tests.support.backends import PASSWORD
from tests.support.size import size

REGISTRATIONS = size(80, 200)  # more than two workers have places to hash a password


def test_of_many_registrations_of_one_e_mail_at_once_one_wins(
    shared_server: Server, seeder: Seeder
) -> None:
    for _ in range(size(1, 5)):
        email = f"wanted-{new_id()[-8:]}@example.org"
        body = {"name": "Ada", "email": email, "password": PASSWORD}
        register = partial(
            with_retries, partial(ask, shared_server.port, "POST", "/register", json=body)
        )
        statuses = Counter(answer.status for answer in at_once([register] * REGISTRATIONS))
        assert statuses == {201: 1, 409: REGISTRATIONS - 1}
        assert seeder.emails(email=email) == [email]


def with_retries(call: Callable[[], Answer]) -> Answer:
    """Hashing two hundred passwords can keep a small machine busy: who is told to, comes back."""
    while (answer := call()).status == 503:
        time.sleep(int(answer.headers["Retry-After"]))
    return answer


def delete(by: Caller, whom: Caller) -> Answer:
    return by.call("DELETE", f"/users/{whom.email}")


def demote(by: Caller, whom: Caller) -> Answer:
    return by.call("PUT", f"/users/{whom.email}/role", json={"role": "user"})


def suspend(by: Caller, whom: Caller) -> Answer:
    return by.call("PATCH", f"/users/{whom.email}/suspend")


DUELS = [(delete, delete), (demote, demote), (suspend, suspend), (suspend, delete)]


def test_two_admins_who_remove_each_other_at_once_leave_one_admin(
    seeder: Seeder, report: Callable[[str], None]
) -> None:
    seen: Counter[tuple[int, ...]] = Counter()
    for number in range(size(8, 200)):
        ada, ben = seeder.person("admin"), seeder.person("admin")
        seeder.only_admins(ada, ben)
        mine, yours = DUELS[number % len(DUELS)]
        answers = at_once([partial(mine, ada, ben), partial(yours, ben, ada)])
        left = set(seeder.accounts.list_active_admins())
        assert len(left) == 1, (mine, yours, [answer.data for answer in answers])
        assert left < {ada.id, ben.id}, "somebody else became an admin meanwhile"
        seen[tuple(sorted(answer.status for answer in answers))] += 1
    assert all(statuses[0] == 200 for statuses in seen), seen
    assert all(statuses[1] in (401, 403, 404, 409) for statuses in seen), seen
    report(f"{seen.total()} duels of two admins, one left each time: {dict(seen)}")
