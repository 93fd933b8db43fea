"""A store of release 1.0.0 is migrated once, with all that it holds, and the release refuses it."""

import json
import os
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from skinapi.app.composition import services
from skinapi.app.composition.services import open_services
from skinapi.app.integrity_check import check_integrity
from skinapi.base.errors import StoreUnavailable
from skinapi.findings.status.lesion_status import Audience
from skinapi.platform.storage.ports import Document
from skinapi.platform.storage.store_version import VERSION, join_store
from skinapi.platform.stores.store_factory import open_store
from tests.faults.code_versions import RELEASE, NoHistoryError, code_of
from tests.faults.release_store import KERATOSIS, read_all
from tests.served.server import ROOT
from tests.support.backends import SECRET, Backend, settings_in
from tests.support.size import size

REFUSED = 2
FINDINGS = size(80, 200)
# The fields by collection that the migration changes, and what is of no person.
KEYS = {"queue_key", "awaited_key", "rest_key", "due_key"}
CHANGED = {
    "accounts": KEYS,
    "counters": {"sequence", "hash", "signature"},  # of the audit trail, which has a row more
    "submissions": {
        *(*KEYS, "finding", "decision", "reviewed_as", "model_version", "revision"),
        "learning_key",
    },
    "reviews": {"opinion"},
}
OF_THE_SERVER = {"leases", "migrations", "store"}
EMPTIED = {"weekly_counts"}  # nothing reads them any more
GONE = {"eta_seconds", "about"}  # a cut took them away
GONE_GATES = {"latency_ms"}
# What is said today in other words, or by other rules: the next test compares decisions.
WORDS = {
    *("action", "band_label", "decision", "doctor_action", "doctor_label"),
    *("graver_review", "narrative", "notices", "reading", "report", "review", "verification"),
}
# A report's band is since then that of its `band_label`: of what counts, not of the finding.
RESTATED = "/report.json.band"


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The release's code; beside it a store that it has made, and what its people read there."""
    folder = tmp_path_factory.mktemp("release")
    try:
        code = code_of(RELEASE, folder / "code")
    except NoHistoryError as error:
        pytest.skip(str(error))
    script = Path(__file__).with_name("release_store.py")
    made = run(code, "-P", str(script), str(folder / "store"), str(size(4, 1)))
    assert made.returncode == 0, made.stderr[-2000:]
    return code


@pytest.fixture
def folder(release: Path, tmp_path: Path) -> Path:
    """A copy of what the release has left."""
    return shutil.copytree(release.with_name("store"), tmp_path / "store")


def run(code: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Python with this code, and no settings of this machine."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=code,
        env={**kept, "PYTHONPATH": str(code), "JWT_SECRET_KEY": SECRET, **settings},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.mark.timeout(300)
def test_all_that_the_release_kept_is_read_after_the_migration(release: Path, folder: Path) -> None:
    read_before = json.loads(release.with_name("store.json").read_text())
    before = stored_in(folder)
    backend = Backend(folder)
    after = stored_in(folder)
    for finding in before["submissions"]:
        finding.setdefault("changed", finding["id"])
    for name, documents in before.items():
        assert documents == after[name][: len(documents)], name
    with closing(backend.services.store):
        assert [fault.message for fault in check_integrity(backend.services)] == []
        read_now = json.loads(json.dumps(read_all(backend)))
        for path, answer in read_before.items():
            assert_says(answer, read_now[path], path)
            if path.endswith("report.json"):
                issued = f"/reports/verify/{answer['verification']['hash']}"
                assert backend.client.get(issued).status_code == 200
    refused = run(release, "-m", "skinapi", "check", INSTANCE_DIR=str(folder))
    assert refused.returncode == REFUSED
    assert f"skinapi: The store has version {VERSION}" in refused.stderr


@pytest.mark.timeout(300)
def test_what_was_decided_is_read_as_it_was_stored(folder: Path) -> None:
    """But for an actinic keratosis of which no urgency was said: it is as urgent as Bowen's
    disease.
    """
    with closing(open_store(settings_in(folder))) as store:
        stored = {
            item["id"]: item.get("decision") for item in store.collection("submissions").find()
        }
    backend = Backend(folder)
    with closing(backend.services.store):
        data = backend.services.data
        found = [item for item in map(data.findings.find, stored) if item]
        differ = set()
        for item in data.findings.see(found, Audience.PATIENT):
            was = stored[item.id]
            assert (item.decision is None) == (was is None)
            if was and any(getattr(item.decision, name) != value for name, value in was.items()):
                differ.add(was["label"])
    assert len(found) == len(stored) > FINDINGS
    assert differ == {KERATOSIS}


def test_a_migration_goes_on_where_it_was_interrupted(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody else opens the store meanwhile; a damaged finding keeps no other from it."""
    settings = settings_in(folder)
    with closing(open_store(settings)) as store:
        findings = store.collection("submissions")
        damaged, other = findings.find(limit=2)
        findings.update({"id": damaged["id"]}, {"$set": {"finding": {}}})
        monkeypatch.setattr(services, "LONGEST_S", -1.0)
        seen = set()
        while True:
            try:
                data = open_services(settings, store).data
            except StoreUnavailable as error:
                seen.add(error.detail.split()[-1])
                with pytest.raises(StoreUnavailable, match="older version"):
                    join_store(store, secrets=[SECRET])
            else:
                break
        assert seen == {"(reviews)", "(submissions)", "(accounts)"}
        failed = data.failed_items.list_some()
        assert [(item.work, item.item) for item in failed] == [("migration", damaged["id"])]
        migrated = findings.get(other["id"])
        assert migrated is not None
        assert migrated["model_version"] == other["finding"]["model_version"]


def test_a_backup_of_the_release_is_restored_and_migrated(release: Path, tmp_path: Path) -> None:
    made, kept = tmp_path / "made.tar", release.with_name("store")
    backup = run(release, "-m", "skinapi", "backup", str(made), INSTANCE_DIR=str(kept))
    assert backup.returncode == 0, backup.stderr
    options = ("-m", "skinapi", "restore", "--without-erased-ids", str(made))
    restored = run(ROOT, *options, INSTANCE_DIR=str(tmp_path / "restored"))
    assert restored.stdout.splitlines()[-1:] == ["no faults"], restored.stderr
    backend = Backend(tmp_path / "restored")
    with closing(backend.services.store) as store:
        assert store.collection("submissions").count() > FINDINGS


def stored_in(folder: Path) -> dict[str, list[Document]]:
    """What no migration changes."""
    with closing(open_store(settings_in(folder))) as store:
        stored = {name: store.collection(name).find() for name in store.collections()}
    for name, fields in CHANGED.items():
        stored[name] = [
            {field: value for field, value in item.items() if field not in fields}
            for item in stored[name]
        ]
    return {name: stored[name] for name in stored if name not in OF_THE_SERVER | EMPTIED}


def assert_says(before: Any, now: Any, place: str) -> None:
    """Fail where a field is not there any more, or a fact is another one."""
    if isinstance(before, dict):
        for name, value in before.items():
            if name in GONE:
                continue
            assert name in now, f"{place}.{name}"
            if name not in WORDS:
                assert_says(value, now[name], f"{place}.{name}")
    elif isinstance(before, list):
        if place.endswith(".gates"):
            before = [gate for gate in before if gate["name"] not in GONE_GATES]
        assert len(before) == len(now), place
        for number, pair in enumerate(zip(before, now, strict=True)):
            assert_says(*pair, f"{place}[{number}]")
    elif not place.endswith(RESTATED):
        assert before == now, place
