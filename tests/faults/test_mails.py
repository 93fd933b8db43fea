"""No mail is lost when workers are killed. A mail that is sent twice has the same Message-ID."""

import os
import signal
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from skinapi.platform.storage.ids import now
from tests.served.people import Seeder
from tests.served.server import Server, serving
from tests.stores.mongod import Mongod
from tests.support.size import in_drill
from tests.support.smtp_server import SmtpServer, smtp_server

LONGEST_S = 60.0
POINTS = ("DATA", "DONE", *in_drill("MAIL", "RCPT", "TAKEN"))


def kill_all(server: Server) -> None:
    for worker in server.workers():
        with suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)


def await_mail(seeder: Seeder, smtp: SmtpServer, email: str) -> None:
    """Return once the mail has come. The lease of the killed worker ends at once."""
    store = seeder.services.store
    deadline = time.monotonic() + LONGEST_S
    while email not in smtp.recipients() or seeder.services.data.outbox.find_due(1):
        assert time.monotonic() < deadline, f"no mail for {email}"
        time.sleep(0.2)
        over = {"$set": {"held_until_at": now()}}
        if not smtp.busy:
            store.collection("leases").update({"id": "notice-sender"}, over)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("kind", ["sqlite", *in_drill("mongod")])
def test_no_mail_is_lost_where_its_sender_is_killed(
    tmp_path: Path, kind: str, request: pytest.FixtureRequest, report: Callable[[str], None]
) -> None:
    environment = {"MAIL_FROM": "clinic@example.org"}
    if kind == "mongod":
        mongod: Mongod = request.getfixturevalue("mongod")
        environment["MONGO_URI"] = mongod.uri
    with smtp_server() as smtp:
        environment["SMTP_URL"] = smtp.url
        with serving(tmp_path, environment, workers=2) as server:
            seeder = Seeder(server)
            root = seeder.person("admin")
            for point in POINTS:
                ada = seeder.person(status="waiting")
                smtp.behaviour.first[point] = lambda: kill_all(server)
                answer = root.call("PATCH", f"/users/{ada.email}/approve", json={})
                assert answer.status == 200
                await_mail(seeder, smtp, ada.email)
                assert point not in smtp.behaviour.first, "nobody was killed there"
                server.await_ready()
            seeder.close()
    mails = defaultdict(list)
    for mail in smtp.mails:
        mails[str(mail["To"])].append(str(mail["Message-ID"]))
    assert len(mails) == len(POINTS)
    assert all(len({*ids}) == 1 for ids in mails.values())
    report(f"{len(POINTS)} kills, {len(mails)} mails, {len(smtp.mails) - len(mails)} twice")
