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
from skinapi.records.submissions import COPIES
from skinapi.storage.ports import Document
from skinapi.storage.store_version import VERSION
from tests.faults.code_versions import NoHistoryError, code_before
from tests.faults.old_store import READ, STORES, read_all, settings_of
from tests.support.backends import SECRET, Backend

REFUSED = 2
KEYS = {f"{name}_key" for name in ("queue", "learning", "awaited", "rest", "hold", "due")}
CHANGED = KEYS | {*COPIES}


@pytest.fixture(scope="session")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        return code_before(tmp_path_factory.mktemp("code") / "before")
    except NoHistoryError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("store", STORES)
@pytest.mark.timeout(300)
def test_a_migrated_store_says_what_it_said_and_keeps_all(
    store: str, tmp_path: Path, before: Path
) -> None:
    folder = tmp_path / store
    made = run(before, "-P", str(Path(__file__).with_name("old_store.py")), str(folder), store)
    assert made.returncode == 0, made.stderr[-2000:]
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
    assert said.keys() == now_said.keys()
    names_day_of_spot(said)
    assert [line for path in said for line in lost(said[path], now_said[path], path)] == []
    refused = run(before, "-m", "skinapi", "check", INSTANCE_DIR=str(folder))
    assert refused.returncode == REFUSED
    assert f"skinapi: The store has version {VERSION}" in refused.stderr


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


def names_day_of_spot(said: dict[str, Any]) -> None:
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
    """Where the same is not said any more; an answer may have gained fields."""
    if isinstance(said, dict) and isinstance(now_said, dict):
        return [
            line
            for name, value in said.items()
            for line in lost(value, now_said.get(name), f"{place}.{name}")
        ]
    if isinstance(said, list) and isinstance(now_said, list) and len(said) == len(now_said):
        pairs = enumerate(zip(said, now_said, strict=True))
        return [line for number, pair in pairs for line in lost(*pair, f"{place}[{number}]")]
    return [] if said == now_said else [f"{place}: {said!r}, now {now_said!r}"]
