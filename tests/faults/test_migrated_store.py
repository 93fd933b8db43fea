import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from skinapi.app.integrity_check import check_integrity
from skinapi.app.migration import run as migration
from skinapi.app.migration.steps import STEPS
from skinapi.platform.notices.outbox import Kind
from skinapi.platform.storage.ports import Document
from skinapi.platform.storage.store_version import VERSION
from skinapi.platform.stores.store_factory import open_store
from tests.faults.code_versions import RELEASE, code_of
from tests.faults.release_store import KEPT, REFUSED, SAID, TOLD, read_all
from tests.served.server import ROOT
from tests.support.backends import SECRET, Backend, settings_in

STATUS_OF_REFUSED = 2
REFUSAL = ("refused", "unknown_person")
FINDINGS = 2 * 3 * len(SAID)
# The fields by collection that the migration may change.
CHANGED = {
    "accounts": {
        *("queue_key", "findings", "must_change", "refused", "holds"),
        *("joined", "joined_to", "joined_because", "status", "erase_at"),
        *("refusal", "refused_at"),
    },
    "submissions": {
        "doctor",
        "taken_by",
        "taken_at",
        "hold_key",
        "changed",
        "opinion_key",
        "opinion_came_at",
        *("opinion_of", "opinion_by", "opinion_at", "opinion_question"),
        "opinion_lost",
        "awaited_key",
        "queue_key",
        "due_key",
        "revision",
        "rest_key",
        "lesion",
        *("placed", "band"),
        "level",
        "queued_at",
        "covered_by",
        "opened_at",
    },
    "reviews": {
        "lesion",
        "spot_version",
        "saw",
        "version",
        "opinion",
        "hold_ends_at",
        "held_with_graver",
        "own_hold_ends_at",
        "downgrade_confirmed",
        "lowered_from",
        "lowered_to",
    },
    "letters": {
        "spot_version",
        "written_of",
        "begins",
        "elsewhere",
        "last_review",
        "misplaced_at",
    },
    "erased_ids": {"kept_until_at"},
    "models": {"state", "changes", "test_part", "revision"},
    "erasure_receipts": {"pending", "completed_at", "extent", "gone_at", "awaits_until_at"},
    "reports": {"spot_version", "letters", "version", "contents"},
    "lesions": {
        "remind_at",
        "revision",
        "joined",
        "version",
        "opened_at",
        "telling",
        "changed",
        "photo_wanted_at",
        "opinion",
        "message_at",
    },
    "counters": {"sequence", "hash", "signature"},  # of the audit trail, which has a row more
}
# Collections without personal data, and those that nothing reads any more.
OF_THE_SERVER = {"leases", "store"}
EMPTIED = {"account_acts", "break_glass"}
# Patients and doctors continue to read these. Others may be retired.
STILL_SAID = {"class", "confidence", "time", "decision", "label", "text", "email"}
# These texts now follow other rules.
TITLES = {"heading", "title", "title_key", "for_doctor"}  # of a decision that names nothing
RESTATED = TITLES | {"about", "from", "certainty", "findings", "graver_review", "narrative"}
RESTATED |= {"notices", "report", "verification"}

FOLLOWS = {
    "passages",
    "reading",
    "review",
    "spot_advice",
    "visit",
}  # in a report, from the decision


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("release")
    code = code_of(RELEASE, folder / "code")
    script = Path(__file__).with_name("release_store.py")
    made = run(code, "-P", str(script), str(folder / "store"))
    assert made.returncode == 0, made.stderr[-2000:]
    return code


@pytest.fixture
def folder(release: Path, tmp_path: Path) -> Path:
    return shutil.copytree(release.with_name("store"), tmp_path / "store")


def run(code: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
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
@pytest.mark.parametrize("times", [1, 2])
def test_all_that_the_release_kept_is_read_after_the_migration(
    release: Path, folder: Path, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interrupted migration repeats some steps."""
    monkeypatch.setattr(migration, "STEPS", [step for step in STEPS for _ in range(times)])
    read_before = json.loads(release.with_name("store.json").read_text())
    before = stored_in(folder)
    backend = Backend(folder)
    after = stored_in(folder)
    for name, documents in before.items():
        kept = {document["id"] for document in documents}
        assert documents == [item for item in after[name] if item["id"] in kept], name
    assert not any(backend.services.store.collection(name).count() for name in EMPTIED)
    refused = backend.account(REFUSED)
    assert (refused.status, refused.refusal and refused.refusal.reason) == REFUSAL
    with closing(backend.services.store):
        assert [fault.message for fault in check_integrity(backend.services)] == []
        assert [*backend.services.data.failed_items.walk_all()] == []
        [joined] = backend.services.data.moved_accounts.walk_all()
        assert backend.services.data.accounts.get(joined.id).status == "closed"
        kim = backend.services.data.accounts.get(joined.account)
        assert (kim.name, backend.services.data.findings.count_of(kim.id)) == ("Kim Example", 1)
        found = backend.services.data.accounts.find_external(joined.external or "")
        assert found == kim
        read_now = json.loads(json.dumps(read_all(backend)))
        for path, answer in read_before.items():
            said = read_now[path]
            if path.endswith("/users"):  # closed accounts have a list of their own
                answer = [row for row in answer if row["name"] != KEPT and row["_id"] != joined.id]
                said = [
                    row | {"status": "suspended"} if row["_id"] == refused.id else row
                    for row in said
                ]
            if path.endswith("/reviews") and not answer:  # it has those of its spot since
                continue
            if path.endswith("/report.json"):  # `GET /submissions/{number}` has the other figures
                answer["facts"] = {
                    name: told for name, told in answer["facts"].items() if name in said["facts"]
                }
            if path.endswith("/lesions"):  # each finding without a spot has one since
                kept = {spot["id"] for spot in answer}
                said = [spot for spot in said if spot["id"] in kept]
            assert_says(answer, said, path)
            if path.endswith("report.json"):
                issued = f"/reports/verify/{answer['verification']['hash']}"
                assert backend.client.get(issued).status_code == 200
    started = run(release, "-m", "skinapi", "check", INSTANCE_DIR=str(folder))
    assert started.returncode == STATUS_OF_REFUSED
    assert f"skinapi: The store has version {VERSION}" in started.stderr


def test_a_backup_of_the_release_is_restored_by_both_versions(
    release: Path, folder: Path, tmp_path: Path
) -> None:
    """The release gets the list of erased ids of the migrated store."""
    made, listed = tmp_path / "made.tar", tmp_path / "erased.jsonl"
    backup = run(release, "-m", "skinapi", "backup", str(made), INSTANCE_DIR=str(folder))
    assert backup.returncode == 0, backup.stderr
    Backend(folder).services.store.close()  # it is migrated
    ids = run(ROOT, "-m", "skinapi", "erased-ids", str(listed), INSTANCE_DIR=str(folder))
    assert ids.returncode == 0, ids.stderr
    options = ("-m", "skinapi", "restore", "--erased", str(listed), str(made))
    for name, code in (("new", ROOT), ("former", release)):
        restored = run(code, *options, INSTANCE_DIR=str(tmp_path / name))
        assert restored.stdout.splitlines()[-1:] == ["no faults"], restored.stdout
    backend = Backend(tmp_path / "new")
    with closing(backend.services.store) as store:
        assert store.collection("submissions").count() > FINDINGS
        accounts = {item["name"]: item for item in store.collection("accounts").find()}
        assert (accounts[KEPT]["status"], accounts[TOLD]["status"]) == ("closed", "suspended")
        for name in (KEPT, TOLD):
            assert store.collection("submissions").count({"owner": accounts[name]["id"]})


def stored_in(folder: Path) -> dict[str, list[Document]]:
    with closing(open_store(settings_in(folder))) as store:
        stored = {name: store.collection(name).find() for name in store.collections()}
    # A second opinion was a review, and is a record of its own.
    stored["reviews"] = [item for item in stored["reviews"] if not item.get("asked_by")]
    stored["accounts"] = [item for item in stored["accounts"] if item["name"] != KEPT]
    for name, fields in CHANGED.items():
        stored[name] = [
            {field: value for field, value in item.items() if field not in fields}
            for item in stored[name]
        ]
    stored["outbox"] = [mail for mail in stored["outbox"] if mail["kind"] in {*Kind}]
    return {name: stored[name] for name in stored if name not in OF_THE_SERVER | EMPTIED}


def assert_says(before: Any, now: Any, place: str) -> None:
    if isinstance(before, dict):
        assert now is not None, place
        missing = before.keys() - now.keys()
        assert not missing & STILL_SAID, place
        # A review states its urgency since, and is shown with each finding of its spot.
        derived = {name for name in ("urgency", "decision") if before.get(name, "") is None}
        derived |= FOLLOWS if "decision" in derived else set()
        for name in before.keys() - missing - RESTATED - derived:
            said = before[name]
            if name == "sentence" and said:
                said = re.sub(r"(photo) of finding \d+ (is not good)", r"\1 \2", said)
            assert_says(said, now[name], f"{place}.{name}")
    elif isinstance(before, list):
        assert len(before) == len(now), place
        for number, pair in enumerate(zip(before, now, strict=True)):
            assert_says(*pair, f"{place}[{number}]")
    else:
        assert before == now, place
