import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from skinapi.app.integrity_check import check_integrity
from skinapi.base.errors import UnsafeSettings
from skinapi.base.settings.safety import refuse_unsafe
from skinapi.base.settings.settings import Settings
from skinapi.integrations.clients.settings import OpenClientSettings
from skinapi.platform.web.declaration import OpenedToClient, declared_routes
from tests.integrations.clients.access import PART
from tests.integrations.clients.dialects import (
    CLIENTS,
    base64_of,
    guide,
    said,
    skinartify,
    skinartify_document,
)
from tests.support.access import PARTS
from tests.support.backends import Backend, Person
from tests.support.photos import photo_of

NAMES = {name.removeprefix("open_") for name in OpenClientSettings.__annotations__}
TOKENLESS = NAMES - {"lab"}
NOT_A_PHOTO = b"%PDF-1.4 not a photo"
UNLESS = "Nobody is served here without logging in, unless the operator of this server opens it to "
EITHER = f"{UNLESS}guide or skinartify."
CLOSED = {
    # The path is the main API's too, whose clients read how the sentence begins.
    "skinartify": f"You are not logged in. Please log in. {UNLESS}skinartify.",
    "skinartify's document": EITHER,
    "guide": EITHER,
    "inference": f"{UNLESS}explainable.",
    "report": f"{UNLESS}explainable.",
    "lab": f"{UNLESS}lab.",
}


def test_with_a_token_predict_is_the_main_apis(opened: Backend) -> None:
    ada = opened.member()
    sent = {"file": (io.BytesIO(photo_of("melanoma")), "lesion.jpg")}
    assert "report" in ada.call("POST", "/predict", data=sent).get_json()
    null = Person(opened.client, "null").call("POST", "/predict", data={"image": "x"})
    assert (null.status_code, null.get_json()["error"]) == (
        401,
        "Your log-in is not valid any more. Please log in again.",
    )
    image = {"image": (io.BytesIO(photo_of("melanoma")), "lesion.jpg")}
    nobody = opened.client.post("/predict", data=image)
    assert (nobody.status_code, nobody.get_json()["error"]) == (
        401,
        "You are not logged in. Please log in.",
    )


def test_nothing_is_kept_of_an_anonymous_photo_but_model_and_band(tmp_path: Path) -> None:
    backend = Backend(tmp_path, open_lab=True)
    for send, *_ in CLIENTS.values():
        assert send(backend, photo_of("melanoma")).status_code == 200
    stored = {name for name, found in backend.stored().items() if found}
    # Sums of a day and of a week, the built-in model, and what the store is.
    assert stored <= {"audit", "counters", "daily_counts", "weekly_counts", "models", "store"}
    assert list(backend.services.store.blobs.keys()) == []
    rows = {(row["action"], row["by"], row["target"]) for row in backend.audit()}
    assert rows == {("finding.urgent_referral", "anonymous", "tiny-1")}
    assert len(backend.audit()) == len(CLIENTS)
    assert list(check_integrity(backend.services)) == []
    read = backend.admin().call("GET", "/audit?action=finding.urgent_referral").get_json()
    assert {row["target"] for row in read} == {"tiny-1"}
    backend.services.store.close()


def test_where_it_is_not_opened_a_client_needs_a_token_or_a_setting(tmp_path: Path) -> None:
    backend = Backend(tmp_path, environment="production")
    token = {"Authorization": f"Bearer {backend.member(role='researcher').token}"}
    for name, (send, _, kind) in CLIENTS.items():
        answer = send(backend, photo_of("melanoma"))
        assert answer.status_code == (200 if name == "lab" else 401)
        assert said(answer, kind) == CLOSED[name]
        if name != "skinartify":  # a token makes that path the main API's
            assert send(backend, photo_of("melanoma"), headers=token).status_code == 200
    backend.services.store.close()


def test_what_clients_without_tokens_use_is_open_only_where_the_operator_opened_it(
    tmp_path: Path,
) -> None:
    backend = Backend(tmp_path, environment="production")
    dialects = [
        route for route in declared_routes(backend.app) if isinstance(route.access, OpenedToClient)
    ]
    found = {route.function.__name__ for route in dialects}
    assert {*PART.no_key} <= found <= {name for part in PARTS for name in part.no_key}
    for route in dialects:
        bodies: list[dict[str, Any]] = [{"json": {}}, {"data": {"x": "y"}}]
        for body in bodies:
            answer = backend.client.open(route.path, method=route.method, **body)
            assert answer.status_code == 401 or answer.get_json()["class_id"] == "inconclusive"
    backend.services.store.close()


def test_a_client_that_shares_a_path_is_not_opened_by_the_other(tmp_path: Path) -> None:
    backend = Backend(tmp_path, open_guide=True, open_skinartify=False)
    assert guide(backend, photo_of("melanoma")).status_code == 200
    document = skinartify_document(backend, photo_of("melanoma"))
    assert document.status_code == 401
    assert document.get_json()["error"] == f"{UNLESS}skinartify."
    assert skinartify(backend, photo_of("melanoma")).status_code == 401
    backend.services.store.close()


def test_photos_of_every_client_are_counted_by_the_day(tmp_path: Path) -> None:
    backend = Backend(tmp_path, open_lab=True, rate_predictions="1/day, researcher=2/day")
    told = r"Daily photo limit reached \({}\)\. Try again in 24 hours\."
    for place, (name, (send, _, kind)) in enumerate(CLIENTS.items()):
        elsewhere = {"environ_overrides": {"REMOTE_ADDR": f"192.0.2.{place}"}}
        assert send(backend, photo_of("melanoma"), **elsewhere).status_code in (200, 422)
        refused = send(backend, photo_of("melanoma"), **elsewhere)
        assert refused.status_code == (200 if name == "lab" else 429)
        assert re.fullmatch(told.format(1), said(refused, kind))
        assert int(refused.headers["Retry-After"]) > 80_000
        if name == "skinartify":  # a token makes that path the main API's, which counts it too
            continue
        token = {"Authorization": f"Bearer {backend.member(role='researcher').token}"}
        for _ in range(2):
            assert send(backend, photo_of("melanoma"), headers=token).status_code in (200, 422)
        refused = send(backend, photo_of("melanoma"), headers=token)
        assert re.fullmatch(told.format(2), said(refused, kind))
    backend.services.store.close()


def test_health_and_front_door_say_what_both_clients_read(opened: Backend) -> None:
    health = opened.client.get("/api/health").get_json()
    assert health["status"] == "healthy"
    assert isinstance(health["uptime_seconds"], int)
    assert (health["backend"], health["tensorflow"]) == ("SkinAPI", False)
    front = opened.client.get("/", headers={"Accept": "application/json"}).get_json()
    assert front["status"] == "Backend running"
    assert {"message", "version", "docs"} <= set(front)


def test_no_log_line_holds_a_picture(opened: Backend, capfd: pytest.CaptureFixture[str]) -> None:
    photo = photo_of("melanoma")
    for send, *_ in CLIENTS.values():
        send(opened, photo)
        send(opened, NOT_A_PHOTO)
    logged = capfd.readouterr().err
    assert base64_of(photo)[:40] not in logged
    assert "lesion.jpg" not in logged
    assert all(len(line) < 2000 for line in logged.splitlines())
    assert "request" in {json.loads(line)["event"] for line in logged.splitlines()}


@pytest.mark.parametrize(
    ("given", "opened"),
    [
        ({}, TOKENLESS),
        ({"bind": "127.0.0.1:5000,127.0.0.1:8000"}, TOKENLESS),
        ({"bind": "[::1]:5000,localhost:5000"}, TOKENLESS),
        ({"bind": "0.0.0.0:5000"}, set()),
        ({"bind": "127.0.0.1:5000,192.168.1.5:5000"}, set()),
        ({"trusted_proxies": 1}, set()),
        ({"open_guide": False}, TOKENLESS - {"guide"}),
        ({"open_lab": True}, {*TOKENLESS, "lab"}),
        ({"environment": "production", "bind": "127.0.0.1:5000"}, set()),
        ({"areas": "none", "open_lab": True}, set()),
        ({"environment": "production", "open_explainable": True}, {"explainable"}),
    ],
)
def test_clients_without_tokens_are_open_on_a_developers_own_machine_or_by_hand(
    given: dict[str, Any], opened: set[str]
) -> None:
    settings: Any = Settings(**given)
    assert settings.open_clients == opened


@pytest.mark.parametrize("reachable", [{"bind": "0.0.0.0:5000"}, {"trusted_proxies": 1}])
def test_the_lab_is_open_on_loopback_alone(reachable: dict[str, Any]) -> None:
    with pytest.raises(UnsafeSettings, match="OPEN_LAB"):
        refuse_unsafe(Settings(**{"open_lab": True, **reachable}))
