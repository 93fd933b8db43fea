from pathlib import Path
from typing import Any

import pytest

from skinapi.accounts.auth.owners import NOBODY
from skinapi.lab.checks import publishing
from skinapi.platform.jobs.job_queue import Jobs
from tests.integrations.clients.dialects import post_form
from tests.lab.conftest import DecoderHere
from tests.lab.sending import labelled
from tests.model.registry.test_models import ModelBackend
from tests.platform.jobs.test_queue import LEASE
from tests.support.backends import Backend

ORIGIN = "http://localhost:5173"
ASKED = {
    "dataset_name": "moles",
    "architecture": "MobileNetV2",
    "epochs": 2,
    "batch_size": 16,
    "optimizer": "Adam",
    "learning_rate": 0.001,
    "class_balancing": True,
}
STATE = {
    *("job_id", "status", "progress", "message", "created_at", "started_at", "completed_at"),
    *("model_path", "metrics", "request"),
}


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> dict[str, bool]:
    monkeypatch.setattr(publishing, "PictureDecoder", DecoderHere)
    return {"open_lab": True}


@pytest.fixture
def trained(backend: Backend) -> Backend:
    assert post_form(backend, labelled(30), "moles").status_code == 200
    return backend


def start(backend: Backend, **changes: Any) -> Any:
    return backend.client.post(
        "/api/start-training", json={**ASKED, **changes}, headers={"Origin": ORIGIN}
    )


def state(backend: Backend, job: str) -> dict[str, Any]:
    answer = backend.client.get(f"/api/job/{job}/status", headers={"Origin": ORIGIN})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()
    assert found.keys() == STATE
    return found


def test_a_training_is_queued_and_its_state_told_as_the_client_reads_it(trained: Backend) -> None:
    answer = start(trained)
    assert answer.status_code == 200, answer.text
    body = answer.get_json()
    job = body["job_id"]
    assert body == {"job_id": job, "status": "queued", "message": "Training job started"}
    assert len(job) == 8
    found = state(trained, job)
    assert (found["status"], found["progress"], found["metrics"]) == ("queued", 0, [])
    assert found["request"] == ASKED
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN


def test_each_epoch_and_the_model_are_told(trained: Backend) -> None:
    identifier = start(trained).get_json()["job_id"]
    jobs = Jobs(trained.services.store)
    job = jobs.claim(worker="test", lease=LEASE)
    assert job
    row = {"epoch": 1, "loss": 0.5, "accuracy": 0.8, "val_loss": 0.6, "val_accuracy": 0.7}
    stamped = {**row, "timestamp": "2026-11-22T00:00:00+00:00", "macro_auc": 0.9}
    jobs.beat(job, lease=LEASE, changes={"metrics": [stamped], "progress": 40.0})
    running = state(trained, identifier)
    assert (running["status"], running["progress"]) == ("running", 40)
    assert running["metrics"] == [{**row, "timestamp": stamped["timestamp"]}]
    jobs.finish(job, status="completed", changes={"result": {"version": "m-1"}, "progress": 100.0})
    done = state(trained, identifier)
    assert (done["status"], done["model_path"]) == ("completed", "/models/m-1")
    assert done["completed_at"]


def test_a_cancelled_training_is_told_as_failed(trained: Backend) -> None:
    job = start(trained).get_json()["job_id"]
    trained.services.jobs.cancel(job_id=job, owner=NOBODY, by=NOBODY)
    found = state(trained, job)
    assert (found["status"], found["message"]) == ("failed", "Cancelled")


def test_what_is_unknown_is_told_in_the_clients_own_sentences(trained: Backend) -> None:
    answer = start(trained, dataset_name="nevi")
    assert (answer.status_code, answer.get_json()["detail"]) == (404, "Dataset not found: nevi")
    answer = trained.client.get("/api/job/00000000/status")
    assert (answer.status_code, answer.get_json()["detail"]) == (404, "Job not found: 00000000")


@pytest.mark.parametrize("named", [{}, {"dataset_name": None}, {"dataset_name": ""}], ids=str)
def test_a_training_before_an_upload_is_refused_in_a_sentence(
    backend: Backend, named: dict[str, Any]
) -> None:
    asked = {name: value for name, value in ASKED.items() if name != "dataset_name"}
    answer = backend.client.post(
        "/api/start-training", json={**asked, **named}, headers={"Origin": ORIGIN}
    )
    said = "No data set was named (dataset_name). Upload one first, then start the training."
    assert (answer.status_code, answer.get_json()["detail"]) == (400, said)
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN


def test_a_data_set_that_is_too_small_to_split_is_refused(backend: Backend) -> None:
    assert post_form(backend, labelled(12), "few").status_code == 200
    answer = start(backend, dataset_name="few")
    assert answer.status_code == 422
    assert "too small to be split" in answer.get_json()["detail"]


def test_an_open_lab_lists_the_models_in_its_own_format(tmp_path: Path) -> None:
    backend = ModelBackend(tmp_path / "instance", open_lab=True)
    backend.add(tmp_path, "b")
    answer = backend.client.get("/api/models")
    assert answer.status_code == 200
    assert [model["name"] for model in answer.get_json()["models"]] == ["b", "tiny-1"]
    model = answer.get_json()["models"][0]
    assert set(model) == {"name", "path", "metadata"}
    assert set(model["metadata"]) == {
        "architecture", "num_classes", "label_map", "test_accuracy", "test_loss",
        "epochs_trained", "batch_size", "optimizer", "learning_rate", "model_path",
        "training_date",
    }  # fmt: skip
    assert len(model["metadata"]["label_map"]) == model["metadata"]["num_classes"] == 8
    backend.services.store.close()
