"""A model in shadow mode: it judges in the background, is compared, and changes no answer."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from skinapi.model.registry import shadow
from skinapi.model.registry.prediction_pool import PoolCaller, PredictionPool
from tests.findings.prediction.photographer import predicted, send
from tests.model.registry.test_models import OVERRIDE, ModelBackend
from tests.support.backends import Person
from tests.support.models import write_model
from tests.support.photos import COLOURS, photo_of

PATIENCE_S = 20
ADA = PoolCaller("ada", signed_in=True)


@pytest.fixture
def shadowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A backend with one that names all conditions otherwise in the background."""
    monkeypatch.setattr(shadow, "SHARE", 1.0)
    backend = ModelBackend(tmp_path / "instance")
    backend.services.models.add(folder=mixed_up(tmp_path / "odd-1"), by="system")
    admin = backend.member(role="admin")
    assert admin.call("POST", "/models/odd-1/shadow").status_code == 200
    backend.reloader.make_pass()
    yield backend, admin
    settled(backend)
    backend.services.store.close()


def mixed_up(folder: Path) -> Path:
    """It takes each condition's colour for another's."""
    colours = dict(zip(COLOURS, reversed(COLOURS.values()), strict=True))
    return write_model(folder, folder.name, colours=colours)


def settled(backend: ModelBackend) -> None:
    """Returns when nothing is judged any more."""
    deadline = time.monotonic() + PATIENCE_S
    while len(backend.app.server.registry._pool):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def counts(backend: ModelBackend, admin: Person) -> dict[str, Any]:
    settled(backend)
    answer = admin.call("GET", "/models/odd-1/shadow")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def test_a_shadow_is_compared_and_its_disagreements_can_be_read(shadowed: Any) -> None:
    backend, admin = shadowed
    ada = backend.member()
    answer = send(ada, photo_of("melanoma"))
    finding = answer.get_json()
    assert (finding["model_version"], finding["class"]) == ("tiny-1", "melanoma")
    found = counts(backend, admin)
    assert (found["judged"], found["other_label"], found["active"]) == (1, 1, True)
    (row,) = admin.pages("/models/odd-1/disagreements?limit=1")
    assert (row["label"], row["serving_version"], row["request_id"]) == (
        "melanoma",
        "tiny-1",
        answer.headers["X-Request-ID"],
    )
    assert row["shadow_label"] not in (None, "melanoma")
    assert row["largest_difference"] > 0.5
    listed = {each["version"]: each["state"] for each in admin.pages("/models")}
    assert listed == {"tiny-1": "serving", "odd-1": "shadow"}


def test_a_shadow_is_neither_deleted_nor_retired_before_it_ends(shadowed: Any) -> None:
    backend, admin = shadowed
    assert admin.call("DELETE", "/models/odd-1").status_code == 409
    assert admin.call("POST", "/models/odd-1/retire", json={}).status_code == 409
    predicted(backend.member())
    settled(backend)
    assert admin.call("DELETE", "/models/odd-1/shadow").status_code == 200
    assert admin.call("DELETE", "/models/odd-1/shadow").status_code == 409
    backend.reloader.make_pass()
    predicted(backend.member())
    found = counts(backend, admin)
    assert (found["judged"], found["active"]) == (1, False)
    actions = [move["action"] for move in admin.call("GET", "/models/odd-1").get_json()["moves"]]
    assert actions == ["shadow", "end_shadow"]
    assert admin.call("DELETE", "/models/odd-1").status_code == 200
    assert backend.services.store.collection("shadow_results").find() == []


def test_a_shadow_that_is_promoted_is_no_shadow_any_more(shadowed: Any) -> None:
    backend, admin = shadowed
    assert admin.call("POST", "/models/odd-1/promote", json=OVERRIDE).status_code == 200
    assert backend.answers() == "odd-1"
    predicted(backend.member())
    assert counts(backend, admin)["judged"] == 0
    assert admin.call("POST", "/models/odd-1/shadow").status_code == 409


def test_a_shadow_that_fails_changes_no_answer(
    shadowed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend, admin = shadowed
    models = backend.services.models

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("out of something")

    monkeypatch.setattr(models.shadows, "count", fail)
    assert predicted(backend.member())["model_version"] == "tiny-1"
    assert counts(backend, admin)["judged"] == 0


def test_only_an_idle_pool_works_in_the_background_and_photos_go_first() -> None:
    pool, go, done = PredictionPool(streams=1, queue=1), threading.Event(), threading.Event()
    busy = threading.Thread(target=pool.run, args=(go.wait,), kwargs={"caller": ADA})
    busy.start()
    while not len(pool):
        time.sleep(0.001)
    assert not pool.run_idle(done.set)
    go.set()
    busy.join()
    assert pool.run_idle(done.set)
    assert done.wait(PATIENCE_S)
    while len(pool):
        time.sleep(0.001)
    assert pool.run(lambda: 7, caller=ADA) == 7
