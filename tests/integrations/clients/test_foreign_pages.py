from collections.abc import Iterator

import pytest
from werkzeug.test import TestResponse

from skinapi.platform.web.declaration import OpenedToClient, declared_routes
from tests.platform.web.test_access_bypass import ADDRESSES, note_connections
from tests.support.backends import Backend

EVIL = "https://evil.example"
NOTHING_SENT = 400  # and so let in
CLINIC = "https://clinic.example"
REFUSED: list[dict[str, str]] = [
    {"Origin": EVIL},
    {"Origin": "null"},
    {"Origin": f"{CLINIC}.evil.example"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Host": "rebind.evil.example:5000"},
    {"Host": "rebind.evil.example", "Origin": "http://rebind.evil.example"},
    {"Host": "rebind.evil.example", "Sec-Fetch-Site": "same-origin"},
    {"Host": "127.0.0.1.evil.example"},
]
SERVED: list[dict[str, str]] = [
    {},
    {"Origin": CLINIC, "Sec-Fetch-Site": "cross-site"},
    {"Origin": "http://localhost:5173", "Sec-Fetch-Site": "cross-site"},
    {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none"},
    {"Host": "127.0.0.1:8000"},
    {"Host": "[::1]:5000"},
]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    folder = tmp_path_factory.mktemp("opened")
    backend = Backend(folder, open_lab=True, allowed_origins=CLINIC)
    yield backend
    backend.services.store.close()


def ask_each(backend: Backend, headers: dict[str, str]) -> Iterator[tuple[str, TestResponse]]:
    for route in declared_routes(backend.app):
        if isinstance(route.access, OpenedToClient):
            path = route.path.replace("<job_id>", "00000000")
            json: dict[str, str] | None = {} if route.body else None
            answer = backend.client.open(path, method=route.method, headers=headers, json=json)
            yield f"{route.method} {path}", answer


def is_refused(answer: TestResponse) -> bool:
    if answer.status_code == 200:  # the lab's own form of an error, and the guide's
        return "logging in" in answer.text or "Without a token" in answer.text
    return answer.status_code == 403


@pytest.mark.parametrize("headers", REFUSED, ids=str)
def test_what_pages_of_other_sites_send_is_refused_without_a_token(
    opened: Backend, headers: dict[str, str]
) -> None:
    before = opened.stored()
    answers = dict(ask_each(opened, headers))
    assert len(answers) >= 4
    assert [path for path, answer in answers.items() if not is_refused(answer)] == []
    assert opened.stored() == before


@pytest.mark.parametrize("headers", SERVED, ids=str)
def test_clients_and_programs_are_served(opened: Backend, headers: dict[str, str]) -> None:
    answers = dict(ask_each(opened, headers))
    assert [path for path, answer in answers.items() if is_refused(answer)] == []


def test_a_token_is_enough_from_anywhere(opened: Backend) -> None:
    ada = opened.member(role="researcher")
    for headers in ({"Origin": EVIL}, {"Host": "clinic.example"}):
        answer = ada.call("POST", "/inference", json={}, headers=headers)
        assert answer.status_code == NOTHING_SENT


def test_behind_a_proxy_the_public_name_is_the_servers_own(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("public")
    backend = Backend(
        folder, environment="production", bind="127.0.0.1:5000", open_explainable=True
    )
    own = {"Host": "skin.example", "Origin": "https://skin.example"}
    answer = backend.client.post("/inference", json={}, headers=own)
    assert answer.status_code == NOTHING_SENT
    other = {"Host": "skin.example", "Origin": "http://localhost:5173"}
    assert backend.client.post("/inference", json={}, headers=other).status_code == 403
    backend.services.store.close()


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_address_in_a_request_is_fetched(
    opened: Backend, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    asked = note_connections(monkeypatch)
    for path, field in (("/api/predict", "image"), ("/inference", "image_data")):
        opened.client.post(path, json={field: address})
    opened.client.post("/report", json={"image_data": address})
    assert asked == []
