import tracemalloc
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from skinapi.base.errors import InvalidBody
from skinapi.integrations.fhir.kinds import KINDS, TAKEN
from skinapi.integrations.fhir.sent_resources import read_json
from tests.integrations.fhir.clinic import JSON, Clinic, read
from tests.support.backends import unavailable

OUTCOMES = {400: "invalid", 401: "login", 404: "not-found", 405: "not-supported",
            406: "not-supported", 413: "too-long", 415: "not-supported"}  # fmt: skip


REFUSED: list[tuple[str, str, int, dict[str, object]]] = [
    ("GET", "Patient/x", 404, {}),
    ("GET", "Nothing", 404, {}),
    ("GET", "Patient/1/_history/1/2", 404, {}),
    ("GET", "Binary", 404, {}),
    ("GET", f"Binary/1-1{'0' * 4500}", 404, {}),
    ("GET", "DiagnosticReport/9999999999999999999999", 404, {}),
    ("DELETE", "Patient/1", 405, {}),
    ("GET", "Patient?_count=x", 400, {}),
    ("GET", "Patient?_after=x", 400, {}),
    ("GET", "DiagnosticReport?_lastUpdated=yesterday", 400, {}),
    ("GET", "DiagnosticReport?patient=a,b", 400, {}),
    ("GET", "DiagnosticReport?status=%00", 400, {}),
    ("GET", "Patient?_format=xml", 406, {}),
    ("GET", "Patient", 406, {"headers": {"Accept": "application/fhir+xml"}}),
    ("GET", "Patient", 406,
     {"headers": {"Accept": "application/fhir+json; fhirVersion=5.0"}}),
    ("POST", "Patient/_search", 415, {"json": {}}),
    ("POST", "Patient/_search", 400, {"data": b"a=%ff" + b"&b=1" * 60,
                                      "content_type": "application/x-www-form-urlencoded"}),
    ("POST", "Patient/_search", 413, {"data": b"a=" + b"x" * 3_000_000,
                                      "content_type": "application/x-www-form-urlencoded"}),
]  # fmt: skip


def test_every_error_is_an_operation_outcome(clinic: Clinic) -> None:
    for method, path, status, options in REFUSED:
        answer = clinic.ada.call(method, f"/fhir/{path}", **options)
        assert (answer.status_code, answer.mimetype) == (status, JSON), (path, answer.text)
        body = answer.get_json(force=True)
        (issue,) = body["issue"]
        assert body["resourceType"] == "OperationOutcome"
        assert (issue["severity"], issue["code"]) == ("error", OUTCOMES[status]), path
        assert issue["diagnostics"]


def test_without_a_token_it_is_an_outcome_too(clinic: Clinic) -> None:
    answer = clinic.backend.app.test_client().get("/fhir/Patient")
    assert (answer.status_code, answer.mimetype) == (401, JSON)
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_what_has_not_changed_is_not_sent_again(clinic: Clinic) -> None:
    path = f"/fhir/DiagnosticReport/{clinic.numbers['signed']}"
    first = clinic.ada.call("GET", path)
    version = first.get_json(force=True)["meta"]["versionId"]
    assert first.headers["ETag"] == f'W/"{version}"'
    assert first.headers["Last-Modified"]
    again = clinic.ada.call("GET", path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    clinic.ada.call_ok("GET", path, headers={"If-None-Match": 'W/"0"'})


def test_what_is_told_of_the_server_is_what_it_does(clinic: Clinic) -> None:
    (rest,) = read(clinic.ada, "metadata")["rest"]
    told = {item["type"]: item for item in rest["resource"]}
    assert told.keys() == KINDS.keys() | TAKEN.keys()
    taken = {name for name, item in told.items() if {"code": "create"} in item["interaction"]}
    assert taken == TAKEN.keys()
    assert rest["interaction"] == [{"code": "transaction"}]
    values = {"date": "2026", "reference": "x", "token": "x|x"}
    for name, item in told.items():
        for param in item.get("searchParam", []):
            read(clinic.ada, f"{name}?{param['name']}={values[param['type']]}")
        if not item.get("searchParam"):
            read(clinic.ada, name, status=404)


@pytest.mark.parametrize("kind", ["limits", "store"])
def test_a_busy_or_broken_server_says_so_in_an_outcome(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Clinic(tmp_path / "busy", rate_read="2/minute" if kind == "limits" else "100/minute")
    number = own.file()
    if kind == "store":
        monkeypatch.setattr(type(own.backend.services.findings.access), "get", unavailable)
    answers = [own.doctor.call("GET", f"/fhir/DiagnosticReport/{number}") for _ in range(3)]
    issue = answers[-1].get_json(force=True)["issue"][0]
    said = (answers[-1].status_code, answers[-1].mimetype, issue["code"])
    assert said == ((429, JSON, "throttled") if kind == "limits" else (503, JSON, "transient"))
    assert answers[-1].headers["Retry-After"] or kind == "store"
    own.backend.services.store.close()


@pytest.mark.parametrize("beginning", [b'"', rb"\"ab"])
def test_a_body_of_many_short_strings_takes_a_few_times_its_size(beginning: bytes) -> None:
    body = b'{"a":"' + beginning * (4_000_000 // len(beginning)) + b'"}'
    stream: Any = SimpleNamespace(media_type=JSON, parameters={}, read=lambda _: body)
    tracemalloc.start()
    with suppress(InvalidBody):
        read_json(stream)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 6 * len(body)
