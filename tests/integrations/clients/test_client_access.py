"""Which clients are served without a token, and what is stored of their requests."""

import io
import json
import re
from pathlib import Path

import pytest

from tests.integrations.clients.dialects import (
    CLIENTS,
    base64_of,
    guide,
    said,
    skinartify,
    skinartify_document,
)
from tests.support.backends import Backend, Person
from tests.support.photos import photo_of

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
    assert list(backend.services.check_integrity()) == []
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
