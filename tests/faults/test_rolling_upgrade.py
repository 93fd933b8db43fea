"""Servers of two versions on one store: upgraded one after the other, and back, while people work.

The version before is a commit of the git history. The next version is a copy of this tree with one
more field and one more migration.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from skinapi.records.submission import Submission
from skinapi.storage.ports import Document
from skinapi.storage.store_version import COMPATIBLE_SINCE, STORE_COLLECTION, VERSION
from tests.faults.cluster import Cluster, running_cluster
from tests.faults.code_versions import (
    NEXT,
    NoHistoryError,
    code_after,
    code_before,
    model_before,
    replace,
)
from tests.faults.drill import Drill, acting, assert_all_promises_are_kept
from tests.faults.proxy import NoProxyError
from tests.faults.reviewer import Reviewer
from tests.jobs.brokers import NoBrokerError
from tests.prediction.photographer import predicted
from tests.served.people import Caller, Seeder
from tests.served.photo_clients import ANGULAR
from tests.served.server import ROOT, Server
from tests.stores.mongod import NoMongodError
from tests.support.backends import Backend
from tests.support.photos import photo_of

ACTORS = 4
MIGRATED_S = 90
REFUSED = 2
# The version before gives what waits other keys, and looks for them.
OF_THE_OLD_RULE = re.compile(r"fault: the doctors' queue differs from the findings of account \w+")
Report = Callable[[str], None]


@pytest.fixture
def before(tmp_path: Path) -> Path:
    try:
        return code_before(tmp_path / "before")
    except NoHistoryError as error:
        pytest.skip(str(error))


def test_the_version_before_reads_a_store_of_this_one(tmp_path: Path, before: Path) -> None:
    backend = Backend(tmp_path / "instance")
    doctor = backend.member(role="doctor")
    ada = backend.member(doctor_id=backend.account(doctor.email).id)
    number = predicted(ada, keep_photo="true")["id"]
    review = {"label": "melanoma", "agreement": "agree"}
    assert doctor.call("POST", f"/submissions/{number}/review", json=review).status_code == 201
    assert ada.call("GET", f"/submissions/{number}/report.pdf").status_code == 200
    assert backend.services.store.collection(STORE_COLLECTION).find()
    backend.services.store.close()
    server = Server(tmp_path)
    server.code = before
    done = server.run("check")
    assert (done.returncode, done.stdout) == (0, "no faults\n"), done.stdout


def test_servers_of_both_versions_list_and_review_what_the_other_has_stored(
    tmp_path: Path, before: Path
) -> None:
    backend = Backend(tmp_path / "instance")
    doctor = backend.member(role="doctor")
    ada = backend.member(doctor_id=backend.account(doctor.email).id)
    numbers = [predicted(ada)["id"] for _ in range(3)]
    stored = backend.services.store.collection("submissions")
    (first,) = stored.find({"number": numbers[0]})
    newer = {**first["finding"], "operating_point": "standard"}
    assert stored.update({"number": numbers[0]}, {"$set": {"finding": newer}})
    with started(tmp_path, before) as port:
        older = Caller(port, doctor.email, doctor.email, doctor.token)
        for path in ("/queue?reviewed=false&limit=1", "/queue?order=learning&limit=1"):
            assert [one["id"] for one in older.pages(path)] == numbers
            link = doctor.call("GET", path).headers["Link"].partition(">")[0].removeprefix("<")
            assert [one["id"] for one in older.pages(link)] == numbers[1:]
        assert [one["waiting_submission"] for one in older.pages("/patients")] == numbers[:1]
        body = {"label": "melanoma", "certainty": "sure"}
        assert older.call("POST", f"/submissions/{numbers[0]}/review", json=body).acknowledged
        sent = ANGULAR.send(port, photo_of("melanoma"), token=ada.token)
        numbers.append(sent.json["id"])
        assert {one["id"] for one in doctor.pages("/queue?limit=1")} == {*numbers}
    backend.services.records.renew_keys(None)
    assert [one["id"] for one in doctor.pages("/queue?limit=1")] == [*numbers[1:], numbers[0]]
    assert list(backend.services.faults()) == []


@contextmanager
def started(folder: Path, code: Path) -> Iterator[int]:
    """The port of a server of the version before."""
    settings = {"MODEL_PATH": str(model_before(folder / "model"))}
    server = Server(folder, settings, workers=1)
    server.code = code
    server.start()
    try:
        yield server.port
    finally:
        server.stop()


@contextmanager
def cluster_of(
    folder: Path, code: Path, settings: Mapping[str, str] | None = None
) -> Iterator[tuple[Cluster, Seeder]]:
    try:
        with (
            running_cluster(folder, broker=None, code=code, settings=settings) as running,
            closing(Seeder(running.entrance)) as seeder,
        ):
            yield running, seeder
    except (NoMongodError, NoBrokerError, NoProxyError) as error:
        pytest.skip(f"no cluster: {error}")


@pytest.mark.drill
@pytest.mark.timeout(900)
def test_an_upgrade_from_the_version_before_and_back_loses_nothing(
    tmp_path: Path, before: Path, seed: int, report: Report
) -> None:
    """At the end each finding is marked with its latest review and has the keys of this version,
    whichever version stored them.
    """
    settings = {"MODEL_PATH": str(model_before(tmp_path / "model"))}
    with cluster_of(tmp_path / "cluster", before, settings) as (cluster, seeder):
        with working(cluster, seeder, seed) as work:
            # The seeder is of this tree, and has raised it.
            older = {"compatible_since": COMPATIBLE_SINCE - 1}
            seeder.services.store.collection(STORE_COLLECTION).update({}, {"$set": older})
            roll(cluster, to=ROOT)
            assert version_of(seeder) == (VERSION, COMPATIBLE_SINCE)
            roll(cluster, to=before)
            roll(cluster, to=ROOT)
        work.assert_answered()
        await_all(work.submissions, work.is_marked)
        await_all(work.submissions, has_current_keys)
        report(f"{work.figures()}; {work.kept()}")
        cluster.entrance.code = before
        *faults, _ = cluster.entrance.run("check").stdout.splitlines()
        assert [one for one in faults if not OF_THE_OLD_RULE.fullmatch(one)] == []


@pytest.mark.drill
@pytest.mark.timeout(900)
def test_an_upgrade_to_the_next_version_and_back_loses_nothing(
    tmp_path: Path, seed: int, report: Report
) -> None:
    """At the end each finding has the field that the next version adds; what that stores inside a
    finding keeps no server of this version from showing it. Once that version says that
    this one is no longer compatible, this one does not start.
    """
    after = code_after(tmp_path / "after")
    with cluster_of(tmp_path / "cluster", ROOT) as (cluster, seeder):
        with working(cluster, seeder, seed) as work:
            roll(cluster, to=after)
            assert version_of(seeder) == (NEXT, COMPATIBLE_SINCE)
            roll(cluster, to=ROOT)
            assert any("queued" in one["finding"]["timings"] for one in work.submissions())
            assert f'"version": {NEXT}, "code": {VERSION}, "event": "store_newer"' in logs(cluster)
            roll(cluster, to=after)
        work.assert_answered()
        await_all(work.submissions, lambda one: one.get("year") == one["created_at"].year)
        report(f"{work.figures()}; {work.kept()}")
        contracted = f"COMPATIBLE_SINCE = {NEXT}\n"
        old = f"COMPATIBLE_SINCE = {COMPATIBLE_SINCE}\n"
        replace(after / "skinapi/storage/store_version.py", old, contracted)
        cluster.entrance.code = after
        # Without --repair it would not tell the store of its version.
        assert cluster.entrance.run("check", "--repair").returncode == 0
        cluster.entrance.code = ROOT
        refused = cluster.entrance.run("serve")
        assert refused.returncode == REFUSED
        assert f"skinapi: The store has version {NEXT}" in refused.stderr


class Work:
    """What is looked at when the people have gone."""

    def __init__(self, drill: Drill, cluster: Cluster, seeder: Seeder, reviewer: Reviewer) -> None:
        self._drill, self._cluster = drill, cluster
        self._seeder, self._reviewer = seeder, reviewer

    def assert_answered(self) -> None:
        """No request went without an answer, and none was answered wrongly."""
        assert [event for event in self._drill.history.events() if event.unknown] == []
        counted = self._cluster.proxy.figures()["BACKEND"]
        again = {name: int(counted[name]) for name in ("wretr", "wredis", "econ", "eresp")}
        assert not any(again.values()), again
        assert self._reviewer.wrong == []
        assert self._reviewer.read["right, graver"]

    def submissions(self) -> list[Document]:
        return self._seeder.services.store.collection("submissions").find()

    def is_marked(self, submission: Document) -> bool:
        reviewed = {one.number: one.labels for one in self._reviewer.findings}
        labels = reviewed.get(str(submission["number"]), [])
        decision: Document = submission.get("decision") or {}
        return decision.get("label") == (labels[-1] if labels else None)

    def figures(self) -> str:
        findings = self._reviewer.findings
        signed = sum(len(finding.labels) for finding in findings)
        return f"{signed} reviews of {len(findings)} findings; {dict(self._reviewer.read)} read"

    def kept(self) -> str:
        return assert_all_promises_are_kept(self._drill)


@contextmanager
def working(cluster: Cluster, seeder: Seeder, seed: int) -> Iterator[Work]:
    """People at work inside, and done with it afterwards."""
    with acting(cluster.entrance, seed, ACTORS) as drill:
        reviewer = Reviewer(seeder, drill.history, f"{seed}-reviewer")
        reviewer.start()
        try:
            yield Work(drill, cluster, seeder, reviewer)
        finally:
            reviewer.finish()


def roll(cluster: Cluster, *, to: Path) -> None:
    """Each server in turn, as docs/operate/upgrade.md says."""
    for server in cluster.servers:
        time.sleep(1)
        cluster.proxy.drain(server)
        assert server.stop() == 0
        server.code = to
        server.start()
        cluster.proxy.make_ready(server)
    time.sleep(1)


def has_current_keys(submission: Document) -> bool:
    return Submission.model_validate(submission).has_current_keys


def version_of(seeder: Seeder) -> tuple[int, int]:
    (stored,) = seeder.services.store.collection(STORE_COLLECTION).find()
    return stored["version"], stored["compatible_since"]


def logs(cluster: Cluster) -> str:
    return "".join(server.log() for server in cluster.servers)


def await_all(documents: Callable[[], list[Document]], holds: Callable[[Document], bool]) -> None:
    """Until it holds for each: the migration runs every half minute."""
    deadline = time.monotonic() + MIGRATED_S
    while left := [one["id"] for one in documents() if not holds(one)]:
        assert time.monotonic() < deadline, f"not migrated: {left}"
        time.sleep(1)
