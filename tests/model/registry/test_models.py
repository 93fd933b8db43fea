import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from skinapi.base.errors import StoreUnavailable
from skinapi.model.registry.gates import GateName, PairedComparison, PairedDifference, ReferenceData
from skinapi.model.registry.service import ModelReloader
from skinapi.model.registry.serving_pointer import Serving
from skinapi.model.registry.stored_version import ModelVersion, Origin
from skinapi.platform.storage.background import Scheduler, Stopping, Task
from skinapi.platform.storage.ids import new_id, now
from tests.findings.prediction.photographer import predicted
from tests.support.backends import Backend, Person
from tests.support.models import write_model
from tests.support.waiting import await_

REASON = "a test of the override"
OVERRIDE = {"override": True, "reason": REASON}


class Reference:
    def __init__(self, data: ReferenceData) -> None:
        self.data = data

    def read_reference(self) -> ReferenceData:
        return self.data

    def count_erased(self, _: str) -> int:
        return 0


class ModelBackend(Backend):
    @property
    def reloader(self) -> ModelReloader:
        return self.services.get(ModelReloader)

    def add(self, folder: Path, version: str, **origin: Any) -> ModelVersion:
        return self.services.models.add(
            folder=write_model(folder / version, version), by="system", origin=Origin(**origin)
        )

    def choose_reference(self) -> ReferenceData:
        chosen = ReferenceData(dataset=new_id(), pictures=1)
        object.__setattr__(self.services.models, "reference", Reference(chosen))
        return chosen

    def answers(self) -> str:
        self.reloader.run_once()
        version: str = self.client.get("/model-card").get_json()["version"]
        return version


@pytest.fixture
def models(tmp_path: Path) -> Iterator[ModelBackend]:
    backend = ModelBackend(tmp_path / "instance")
    yield backend
    backend.services.store.close()


def compared_with(
    version: str, reference: ReferenceData, **differences: PairedDifference
) -> PairedComparison:
    same = PairedDifference(first=0.5, second=0.5, low=-0.01, high=0.01)
    return PairedComparison(
        first_version=version,
        pictures=100,
        lesions=90,
        measured_at=now(),
        part="reference",
        reference=reference,
        differences={name: differences.get(name.value, same) for name in GateName},
    )


def nearly_fill_disks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave 2 MB, which is enough for the database but not for a model."""
    own = os.statvfs("/")
    left = 2 * 1024 * 1024 // own.f_frsize
    monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result((*own[:4], left, *own[5:])))


def state_of(person: Person, version: str) -> str:
    state: str = person.call_ok("GET", f"/models/{version}")["state"]
    return state


def test_a_model_is_promoted_predicted_with_and_rolled_back(
    models: ModelBackend, tmp_path: Path
) -> None:
    backend, admin = models, models.member(role="admin")
    ada = backend.member()
    reference = backend.choose_reference()
    backend.add(tmp_path, "next-1", reference_comparison=compared_with("tiny-1", reference))
    assert predicted(ada)["model_version"] == "tiny-1"
    answer = admin.call("POST", "/models/next-1/promote", json={"reason": "better"})
    assert answer.status_code == 200, answer.text
    assert (answer.get_json()["version"], answer.get_json()["previous"]) == ("next-1", "tiny-1")
    assert backend.answers() == "next-1"
    assert predicted(ada)["model_version"] == "next-1"
    assert (state_of(admin, "next-1"), state_of(admin, "tiny-1")) == ("serving", "retired")
    assert admin.call("POST", "/models/rollback", json={}).status_code == 200
    assert backend.answers() == "tiny-1"
    assert (state_of(admin, "next-1"), state_of(admin, "tiny-1")) == ("retired", "serving")
    assert admin.call("POST", "/models/rollback", json={}).status_code == 409
    assert not list(backend.services.models.check_integrity())


def test_both_changes_are_in_the_audit_trail_with_the_outcome_of_the_gates(
    models: ModelBackend, tmp_path: Path
) -> None:
    admin = models.member(role="admin")
    by = models.account(admin.email).id
    models.add(tmp_path, "next-1")
    assert admin.call("POST", "/models/next-1/promote", json={}).status_code == 409
    assert admin.call("POST", "/models/next-1/promote", json=OVERRIDE).status_code == 200
    assert admin.call("POST", "/models/rollback", json={}).status_code == 200
    rows = [
        (row["action"], row["by"], row["target"], row.get("detail"), row.get("outcome"))
        for row in models.audit()
        if row["action"].startswith("model.") and row["phase"] == "outcome"
    ]
    gates = ", ".join(
        f"{name}={'passed' if name is GateName.OTHER_PICTURES else 'not_measured'}"
        for name in GateName
    )
    assert rows == [
        ("model.add", "system", "next-1", None, "done"),
        ("model.promote", by, "next-1", gates, "gates_not_passed"),
        ("model.promote", by, "next-1", f"{gates}; override", "done"),
        ("model.roll_back", by, "tiny-1", None, "done"),
    ]
    read = admin.call("GET", "/audit?action=model.promote").get_json()
    assert {row["detail"] for row in read} == {gates, f"{gates}; override"}
    assert all(row["signed"] for row in read)
    moves = admin.call("GET", "/models/next-1").get_json()["moves"]
    assert [(each["action"], each["reason"], each["by"]) for each in moves] == [
        ("promote", REASON, by),
        ("rollback", None, by),
    ]


def test_without_an_override_a_gate_that_is_not_passed_refuses(
    models: ModelBackend, tmp_path: Path
) -> None:
    admin = models.member(role="admin")
    worse = PairedDifference(first=0.9, second=0.8, low=-0.15, high=-0.05)
    models.add(
        tmp_path,
        "worse-1",
        reference_comparison=compared_with(
            "tiny-1", models.choose_reference(), melanoma_sensitivity=worse
        ),
    )
    answer = admin.call("POST", "/models/worse-1/promote", json={})
    assert (answer.status_code, answer.get_json()["code"]) == (409, "gates_not_passed")
    assert "melanoma_sensitivity" in answer.get_json()["detail"]
    assert "ece" not in answer.get_json()["detail"]
    for body in ({"override": True}, {"override": True, "reason": "  short   "}):
        assert admin.call("POST", "/models/worse-1/promote", json=body).status_code == 400
    assert models.answers() == "tiny-1"
    assert state_of(admin, "worse-1") == "candidate"


def test_the_built_in_model_is_the_last_stop_of_rolling_back(
    models: ModelBackend, tmp_path: Path
) -> None:
    for version in ("b", "c", "d"):
        models.add(tmp_path, version)
    for version in (*("b", "c") * 11, "d"):
        models.services.models.promote(version=version, by="ada", override=True, reason=REASON)
    admin = models.member(role="admin")
    for version in ("b", "c"):
        assert admin.call("DELETE", f"/models/{version}").status_code == 200
    assert admin.call("POST", "/models/rollback", json={}).get_json()["version"] == "tiny-1"
    assert models.answers() == "tiny-1"
    assert admin.call("POST", "/models/rollback", json={}).status_code == 409


def test_a_model_without_room_on_the_disk_is_not_put_into_service(
    models: ModelBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = models.member(role="admin")
    for version in ("b", "c"):
        models.add(tmp_path, version)
    assert admin.call("POST", "/models/b/promote", json=OVERRIDE).status_code == 200
    assert models.answers() == "b"  # it is written
    nearly_fill_disks(monkeypatch)
    answer = admin.call("POST", "/models/c/promote", json=OVERRIDE)
    assert (answer.status_code, answer.get_json()["code"]) == (507, "disk_full")
    assert "model c" in answer.get_json()["detail"]
    assert models.answers() == "b"
    assert models.client.get("/readyz").get_json()["notes"] == []
    assert admin.call("POST", "/models/tiny-1/promote", json=OVERRIDE).status_code == 200
    assert admin.call("POST", "/models/rollback", json={}).get_json()["version"] == "b"
    assert models.answers() == "b"


def test_what_is_in_service_is_not_deleted(models: ModelBackend, tmp_path: Path) -> None:
    admin = models.member(role="admin")
    models.add(tmp_path, "b")
    for version in ("tiny-1", "b"):
        if version == "b":
            assert admin.call("POST", "/models/b/promote", json=OVERRIDE).status_code == 200
        answer = admin.call("DELETE", f"/models/{version}")
        assert answer.status_code == 409
        assert "in service" in answer.get_json()["detail"]
    assert models.answers() == "b"


def test_what_an_older_server_stored_of_a_shadow_can_be_read(
    models: ModelBackend, tmp_path: Path
) -> None:
    admin = models.member(role="admin")
    models.add(tmp_path, "b")
    moves = [
        {"action": action, "version": "b", "previous": "b", "by": "ada", "changed_at": now()}
        for action in ("shadow", "end_shadow")
    ]
    serving = {"revision": 2, "version": None, "shadow": "b", "moves": moves}
    models.services.store.collection("serving").insert(
        {"id": "model", "schema": 1, "created_at": now(), **serving}
    )
    shown = admin.call("GET", "/models/b").get_json()
    assert shown["state"] == "candidate"
    assert {move["action"] for move in shown["moves"]} == {"shadow", "end_shadow"}
    assert admin.call("POST", "/models/b/promote", json=OVERRIDE).status_code == 200
    assert models.answers() == "b"


def test_a_version_that_answered_can_still_be_looked_up_after_it_was_deleted(
    models: ModelBackend, tmp_path: Path
) -> None:
    admin = models.member(role="admin")
    models.add(tmp_path, "b")
    models.add(tmp_path, "never")
    admin.call("POST", "/models/b/promote", json=OVERRIDE)
    models.answers()
    finding = predicted(models.member())
    admin.call("POST", "/models/rollback", json={})
    for version in ("b", "never"):
        assert admin.call("DELETE", f"/models/{version}").status_code == 200
    shown = admin.call("GET", f"/models/{finding['model_version']}").get_json()
    assert (shown["version"], shown["size"], shown["served"]) == ("b", 0, True)
    assert shown["card"]["figures"]
    assert admin.call("GET", "/models/never").status_code == 404
    assert admin.call("POST", "/models/b/promote", json=OVERRIDE).status_code == 409
    assert admin.call("DELETE", "/models/b").status_code == 409
    assert list(models.services.store.blobs.keys()) == []


def test_the_list_comes_in_pages_and_names_the_one_in_service(
    models: ModelBackend, tmp_path: Path
) -> None:
    researcher = models.member(role="researcher")
    for version in ("b", "c"):
        models.add(tmp_path, version, parent="tiny-1", dataset="lesions-3", job="0badcafe")
    listed = researcher.pages("/models?limit=2")
    assert [(each["version"], each["state"], each["built_in"]) for each in listed] == [
        ("tiny-1", "serving", True),
        ("b", "candidate", False),
        ("c", "candidate", False),
    ]
    assert listed[1]["figures"] == {"balanced_accuracy": 0.5}
    assert (listed[1]["parent"], listed[1]["job"]) == ("tiny-1", "0badcafe")
    assert "card" not in listed[1]


def test_a_promoted_model_that_cannot_be_loaded_leaves_the_last_good_one_in_service(
    models: ModelBackend, tmp_path: Path
) -> None:
    backend, admin = models, models.member(role="admin")
    added = backend.add(tmp_path, "lost-1")
    assert admin.call("POST", "/models/lost-1/promote", json=OVERRIDE).status_code == 200
    backend.services.store.blobs.delete(added.files[-1].piece_blobs[0])
    assert backend.answers() == "tiny-1"
    assert predicted(backend.member())["model_version"] == "tiny-1"
    ready = backend.client.get("/readyz")
    assert ready.status_code == 200
    (note,) = (note for note in ready.get_json()["notes"] if "cannot be loaded" in note)
    assert "lost-1 cannot be loaded, so tiny-1 answers" in note
    assert str(tmp_path) not in note
    listed = {each["version"]: each for each in admin.pages("/models")}
    assert listed["lost-1"]["fault"] == note
    assert listed["tiny-1"]["fault"] is None
    assert admin.call("POST", "/models/rollback", json={}).status_code == 200
    assert backend.answers() == "tiny-1"
    assert "cannot be loaded" not in backend.client.get("/readyz").text


class RestartedBackend(Backend):
    def served(self) -> None:
        return None


def test_a_start_serves_the_promoted_version_and_not_model_path(tmp_path: Path) -> None:
    first = ModelBackend(tmp_path / "instance")
    first.add(tmp_path, "b")
    first.services.models.promote(version="b", by="system", override=True, reason=REASON)
    first.services.store.close()
    other = write_model(tmp_path / "other", "other")
    again = RestartedBackend(tmp_path / "instance", model_path=other)
    assert again.client.get("/model-card").get_json()["version"] == "b"
    admin = again.member(role="admin")
    # The built-in model is now another; the one before is still known.
    assert state_of(admin, "tiny-1") == "retired"
    assert admin.call("POST", "/models/rollback", json={}).get_json()["version"] == "other"
    again.services.store.close()


def test_a_store_that_is_away_changes_nothing(
    models: ModelBackend, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    models.add(tmp_path, "b")
    models.services.models.promote(version="b", by="system", override=True, reason=REASON)
    pointer, asked = models.services.models.pointer, threading.Event()
    read = pointer.read

    def away() -> Serving:
        asked.set()
        raise StoreUnavailable

    monkeypatch.setattr(pointer, "read", away)
    task = Task("model-reloader", 0.01, models.reloader.run_once, "model not followed", 0)
    scheduler = Scheduler([task], Stopping())
    scheduler.start()
    assert asked.wait(60)
    assert models.services.inference.served.model.version == "tiny-1"
    monkeypatch.setattr(pointer, "read", read)
    await_(lambda: models.services.inference.served.model.version == "b")
    scheduler.stop()
