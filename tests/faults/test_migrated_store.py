"""A store of the version before is migrated once: each page then says what it said, nothing is
lost, and the code before refuses it.
"""

import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from skinapi.composition.migrations import migrations_of
from skinapi.records.standing import Reader
from skinapi.records.submissions import COPIES
from skinapi.storage import open_store
from skinapi.storage.ports import Document
from skinapi.storage.store_version import VERSION
from tests.faults.code_versions import BEFORE, RELEASE, NoHistoryError, code_before
from tests.faults.old_store import READ, STORES, read_all, settings_of
from tests.faults.release_store import KERATOSIS
from tests.support.backends import SECRET, Backend, settings_in

REFUSED = 2
KEYS = {f"{name}_key" for name in ("queue", "learning", "awaited", "rest", "hold", "due")}
CHANGED = KEYS | {*COPIES}
# What an answer says of a spot, beside the words for it.
OF_FINDING = "id lesion latest band held_until second_opinion review submission"
OF_DECISION = "label urgency certainty histology histology_result new_picture_wanted title_key"
OF_INSTRUCTION = "from finding since waits_for due by_result certain suspected picture_wanted"
OF_LISTS = "awaited what overdue waiting_submission waiting_since"
SAYS = {
    *("decision", "decided_at", "decided_by", "instruction", "superseded", "spot_advice"),
    *" ".join((OF_FINDING, OF_DECISION, OF_INSTRUCTION, OF_LISTS)).split(),
}


@pytest.fixture(scope="session")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return code_of(tmp_path_factory.mktemp("code") / "before", BEFORE)


def code_of(folder: Path, commit: str) -> Path:
    try:
        return code_before(folder, commit)
    except NoHistoryError as error:
        pytest.skip(str(error))


def make_old_store(code: Path, script: str, folder: Path) -> Path:
    file = Path(__file__).with_name(script)
    made = run(code, "-P", str(file), str(folder), folder.name)
    assert made.returncode == 0, made.stderr[-2000:]
    return folder


@pytest.mark.parametrize("store", STORES)
@pytest.mark.timeout(300)
def test_a_migrated_store_says_what_it_said_and_keeps_all(
    store: str, tmp_path: Path, before: Path
) -> None:
    folder = make_old_store(before, "old_store.py", tmp_path / store)
    said = json.loads(folder.with_suffix(f".{READ}").read_text())
    backend = Backend(folder, **settings_of(store))
    with closing(backend.services.store):
        stored = backend.stored(but=())
        migrate(backend)
        assert [fault.message for fault in backend.services.faults()] == []
        migrated = backend.stored(but=())
        assert without(stored) == without(migrated)
        assert not any(one.keys() & {*COPIES} for one in migrated["submissions"])
        now_said = json.loads(json.dumps(read_all(backend)))
    name_day_of_spot(said)
    lines = [line for path in said for line in lost(said[path], now_said.get(path), path)]
    assert lines == []
    refused = run(before, "-m", "skinapi", "check", INSTANCE_DIR=str(folder))
    assert refused.returncode == REFUSED
    assert f"skinapi: The store has version {VERSION}" in refused.stderr


@pytest.mark.timeout(300)
def test_what_the_release_before_has_decided_is_read_as_it_was_stored(tmp_path: Path) -> None:
    """But for an actinic keratosis of which no urgency was said: it is as urgent as Bowen's
    disease.
    """
    code = code_of(tmp_path / "code", RELEASE)
    folder = make_old_store(code, "release_store.py", tmp_path / "release")
    with closing(open_store(settings_in(folder))) as old:
        stored = {one["id"]: one["decision"] for one in old.collection("submissions").find()}
    backend = Backend(folder)
    with closing(backend.services.store):
        migrate(backend)
        assert [fault.message for fault in backend.services.faults()] == []
        data = backend.services.data
        found = [one for one in map(data.submissions.find, stored) if one]
        differ = set()
        for one in data.spots.see(found, Reader.PATIENT):
            was = stored[one.id]
            if any(getattr(one.decision, name) != value for name, value in was.items()):
                differ.add(was["label"])
    assert len(found) == len(stored) > 200
    assert differ == {KERATOSIS}


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


def migrate(backend: Backend) -> None:
    for migration in migrations_of(backend.services):
        after = None
        while chunk := migration.fill(after):
            after = chunk.last


def without(stored: dict[str, list[Document]]) -> dict[str, list[Document]]:
    """What no migration changes."""
    submissions = [
        {name: value for name, value in one.items() if name not in CHANGED}
        for one in stored["submissions"]
    ]
    kept = {name: documents for name, documents in stored.items() if documents}
    return {**kept, "submissions": submissions}


def name_day_of_spot(said: dict[str, Any]) -> None:
    """What differs: the version before named the day of the spot on a finding's own page, and in a
    list that of the finding alone. Put that of the page into its lists.
    """
    for path, answer in said.items():
        role, email, _ = path.split()
        for one in list_dicts(answer):
            page = said.get(f"{role} {email} /submissions/{one.get('id')}")
            if one.get("decision") and page:
                one["decision"]["due"] = page["decision"]["due"]


def list_dicts(answer: object) -> list[dict[str, Any]]:
    if isinstance(answer, dict):
        return [answer, *(one for value in answer.values() for one in list_dicts(value))]
    items = answer if isinstance(answer, list) else []
    return [one for value in items for one in list_dicts(value)]


def lost(said: Any, now_said: Any, place: str = "") -> list[str]:
    """Where the same is not said any more, in whatever words."""
    if isinstance(said, dict) and isinstance(now_said, dict):
        return [
            line
            for name, value in said.items()
            if name in SAYS
            for line in lost(value, now_said.get(name), f"{place}.{name}")
        ]
    if isinstance(said, list) and isinstance(now_said, list) and len(said) == len(now_said):
        pairs = enumerate(zip(said, now_said, strict=True))
        return [line for number, pair in pairs for line in lost(*pair, f"{place}[{number}]")]
    return [] if said == now_said else [f"{place}: {said!r}, now {now_said!r}"]
