"""A webhook whose record is damaged: what goes on, and what a backup brings back."""

from pathlib import Path

import pytest

from skinapi.__main__ import REFUSED, main
from tests.findings.prediction.photographer import predicted
from tests.test_backup_commands import damage, open_for_commands


def test_a_webhook_that_was_changed_since_the_backup_tells_no_former_receiver(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that cannot be read stops no act, and an admin deletes it."""
    backend = open_for_commands(tmp_path, monkeypatch)
    root, ada, backup = backend.member(role="admin"), backend.member(), tmp_path / "b.tar"
    wanted = {"url": "https://old.example/hook", "events": ["finding.stored"], "clinical": True}
    added = root.call("POST", "/webhooks", json=wanted).get_json()
    path = f"/webhooks/{added['id']}"
    assert main(["backup", str(backup)]) == 0
    changed = {**wanted, "url": "https://new.example/hook", "enabled": True}
    assert root.call("PUT", path, json=changed).status_code == 200
    damage(backend, f"webhooks/{added['id']}", "url")
    assert main(["restore-record", str(backup), f"webhooks/{added['id']}"]) == REFUSED
    assert predicted(ada)["id"]
    failed = backend.services.data.failed_items
    failed.note_damaged({("webhooks", added["id"]): "ValidationError"})
    assert root.call("DELETE", path).status_code == 200
    assert root.call("DELETE", path).status_code == 404
    assert backend.stored()["webhooks"] == []
    assert failed.list_some() == []
