import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pymongo
from pymongo.errors import PyMongoError

from tests.stores.mongod import START_S, Mongod
from tests.support.waiting import await_

MEMBERS = 3
# How long the others wait for a silent primary; MongoDB's own value is 10 s.
ELECTION_MS = 2000


class Member(Mongod):
    """One of several servers. It has started when it answers, even if it is not the primary."""

    def has_started(self, client: pymongo.MongoClient[dict[str, Any]]) -> bool:
        with suppress(PyMongoError):
            return bool(client.admin.command("hello")["ok"])
        return False


class ReplicaSet:
    def __init__(self, folder: Path) -> None:
        self._folders = [folder / f"member-{number}" for number in range(MEMBERS)]
        self.members = [Member(each) for each in self._folders]
        hosts = ",".join(member.address for member in self.members)
        self.uri = f"mongodb://{hosts}/?replicaSet=rs0"

    def start(self) -> None:
        for folder, member in zip(self._folders, self.members, strict=True):
            folder.mkdir(parents=True)
            member.start()
        members = [{"_id": place, "host": each.address} for place, each in enumerate(self.members)]
        settings = {"electionTimeoutMillis": ELECTION_MS, "heartbeatIntervalMillis": 500}
        self.members[0].order(
            {"replSetInitiate": {"_id": "rs0", "members": members, "settings": settings}}
        )
        self.await_primary()

    def delay_elections(self) -> None:
        """Let a primary that loses the others remain primary for a minute."""
        primary = self.await_primary()
        config = primary.order({"replSetGetConfig": 1})["config"]
        config["version"] += 1
        config["settings"]["electionTimeoutMillis"] = 60_000
        primary.order({"replSetReconfig": config})

    def step_up(self, member: Member) -> None:
        deadline = time.monotonic() + START_S
        while not _is_primary(member):
            assert time.monotonic() < deadline, "it was not elected"
            with suppress(PyMongoError):  # the others have only just started
                member.order({"replSetStepUp": 1})
            time.sleep(0.1)

    def kill(self) -> None:
        for member in self.members:
            member.kill()

    def running(self) -> list[Member]:
        return [member for member in self.members if member.runs]

    def primary(self) -> Member | None:
        """Return the member that calls itself primary, or None during an election."""
        return next((member for member in self.members if _is_primary(member)), None)

    def await_primary(self) -> Member:
        return await_(self.primary, within=START_S)


def _is_primary(member: Member) -> bool:
    with suppress(PyMongoError):
        return bool(member.order({"hello": 1}, within_s=2).get("isWritablePrimary"))
    return False


@contextmanager
def running_replica_set() -> Iterator[ReplicaSet]:
    with TemporaryDirectory(prefix="mongod-", ignore_cleanup_errors=True) as folder:
        replica_set = ReplicaSet(Path(folder))
        try:
            replica_set.start()
            yield replica_set
        finally:
            replica_set.kill()
