"""What FHIR takes of a server: memory, and nothing at its start; and what hostile requests get."""

import random
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from skinapi.base.errors import InvalidBody
from skinapi.integrations.fhir.orders import Beside, OrderReader
from skinapi.integrations.fhir.sent_resources import open_resource, read_condition, read_json
from skinapi.platform.storage.ids import new_id
from tests.integrations.fhir.clinic import JSON, Clinic, read
from tests.support.backends import unavailable
from tests.support.size import size

FEW, MANY = 100, size(300, 1000)
REQUESTS = size(40, 500)


def put_many(clinic: Clinic, number: int) -> str:
    """A patient with so many findings, copied in the store once its outline was measured."""
    read(clinic.doctor, f"DiagnosticReport/{clinic.numbers['changed']}")
    owner = clinic.backend.account(clinic.backend.member(doctor_id=clinic.doctor_id).email).id
    submissions = clinic.backend.services.store.collection("submissions")
    (one,) = submissions.find({"number": clinic.numbers["changed"]})
    last = submissions.find(sort="-number", limit=1)[0]["number"]
    copies = [
        {**one, "id": new_id(), "changed": new_id(), "owner": owner, "number": last + place}
        | {"idempotency_key": None}
        for place in range(1, number + 1)
    ]
    submissions.insert_many(copies)
    return owner


def peak_of(clinic: Clinic, patient: str) -> tuple[int, int]:
    """How much memory the answer takes while it is written, and how long it is."""
    path = f"/fhir/Patient/{patient}/$everything"
    tracemalloc.start()
    answer = clinic.doctor.client.get(
        path, headers={"Authorization": f"Bearer {clinic.doctor.token}"}, buffered=False
    )
    length = sum(len(part) for part in answer.iter_encoded())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert answer.status_code == 200
    return peak, length


def test_everything_of_many_findings_takes_the_memory_of_a_page(
    clinic: Clinic, report: Callable[[str], None]
) -> None:
    few, many = put_many(clinic, FEW), put_many(clinic, MANY)
    peak_of(clinic, few)
    small, short = peak_of(clinic, few)
    large, long = peak_of(clinic, many)
    report(f"$everything of {MANY} findings: {long / 1e6:.1f} MB, peak {large / 1e6:.1f} MB")
    assert long > short * MANY / FEW * 0.9
    assert large < small * 1.3
    assert large < long


PIECES = (
    "", "Patient", "DiagnosticReport", "Observation", "Media", "Binary", "Device",
    "Consent", "BodyStructure", "metadata", "_search", "$everything",
    "_history", "1", "1-1", "1-report", "%", "%00", "%ff", "..", "*", "é", "'", "\"", ";", "0" * 40,
    "-", "1-", "-1", "1-99999", "9" * 30, "${x}", "<a>", "Patient/1", "\u2028", "%2F", "x" * 300,
)  # fmt: skip
NAMES = (
    "_id", "_lastUpdated", "_count", "_after", "_sort", "_format", "_type", "_since", "_summary",
    "patient", "subject", "identifier", "status", "code", "category", "date", "created", "name",
    "status:not", "_has:Observation:patient:code", "patient.name", "", "é", "conclusion",
)  # fmt: skip
VALUES = (
    "", "1", "0", "-1", "99999999999999", "ge2026", "ge2026-11-26T10:00:00Z", "gt9999-12-31",
    "lt0001-01-01", "ge2026-02-30", "2026-11-26T10:00:00+99:99", "final", "a|b", "|", "a|b|c",
    ",,,", "Patient/1", "http://x/Patient/1", "json", "xml", "-_lastUpdated", "1~~~0",
    "1~0~0~0", "99999999999999~1" + "f" * 32 + "~1" + "f" * 32 + "~999999", "1~~0~1", "%00", "\x00",
    "é", "{", "[]", "' OR 1=1", "x" * 600, "," * 100, "\U0001f600", "١",
)  # fmt: skip
HEADERS: tuple[dict[str, str], ...] = (
    {}, {"Accept": "application/fhir+xml"}, {"Accept": "*/*"}, {"Accept": ";;q=x,,"},
    {"Prefer": "handling=strict"}, {"Prefer": "\xff"}, {"If-None-Match": "W/\"x"},
    {"If-None-Match": "*"}, {"If-Modified-Since": "yesterday"}, {"Range": "bytes=0-1"},
    {"Accept": "application/fhir+json; fhirVersion=9"}, {"Content-Type": "x"},
)  # fmt: skip
METHODS = ("GET", "GET", "GET", "GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH")


def test_no_mutated_request_ends_in_a_server_error(
    clinic: Clinic, report: Callable[[str], None]
) -> None:
    seed = random.randrange(10**9)
    report(f"mutated FHIR requests: {REQUESTS}, seed {seed}")
    chance = random.Random(seed)
    before = {name: len(rows) for name, rows in clinic.backend.stored().items()}
    for _ in range(REQUESTS):
        method, options = chance.choice(METHODS), mutated(chance)
        path = "/fhir/" + "/".join(chance.choices(PIECES, k=chance.randint(1, 4)))
        person = chance.choice([clinic.ada, clinic.doctor, clinic.admin])
        answer = person.call(method, path, **options)
        assert answer.status_code < 500, (method, path, options, answer.text[:300])
        if answer.status_code >= 400 and method not in ("HEAD", "OPTIONS"):
            assert answer.mimetype == JSON, (method, path, options, answer.status_code)
    after = {name: len(rows) for name, rows in clinic.backend.stored().items()}
    changed = {name for name in after if after[name] != before.get(name, 0)}
    assert changed <= {"audit", "reports", "counters", "limits"}


def mutated(chance: random.Random) -> dict[str, Any]:
    query = [(chance.choice(NAMES), chance.choice(VALUES)) for _ in range(chance.randint(0, 4))]
    options: dict[str, Any] = {"headers": chance.choice(HEADERS)}
    if query:
        options["query_string"] = dict(query)
    if chance.random() < 0.2:
        options["data"] = chance.choice([b"a=1", b"\xff\x00", b"{", b"<x/>", b"&" * 5000])
        options["content_type"] = chance.choice(
            ["application/x-www-form-urlencoded", "application/fhir+json", "text/xml", ""]
        )
        options["headers"] = {}
    return options


@pytest.mark.parametrize("kind", ["limits", "store"])
def test_a_busy_or_broken_server_says_so_in_an_outcome(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Clinic(tmp_path / "busy", rate_read="2/minute" if kind == "limits" else "100/minute")
    number = own.file()
    if kind == "store":
        monkeypatch.setattr(type(own.backend.services.records), "get", unavailable)
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


def test_long_texts_in_a_body_take_a_few_times_their_size() -> None:
    patient: dict[str, Any] = {"resourceType": "Patient", "identifier": [{"system": "a:b"}]}
    sent, photo = open_resource(patient, "Patient"), "AAA " * 1_000_000
    order = {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "subject": {"reference": "Patient/1"},
        "supportingInfo": [{"reference": "#photo"}],
        "contained": [
            {"resourceType": "Binary", "id": "photo", "contentType": "image/jpeg", "data": photo}
        ],
    }
    tracemalloc.start()
    with suppress(InvalidBody):
        read_condition("a=b&" * 1_000_000, sent)
    with suppress(InvalidBody):
        OrderReader(open_resource(order, "order"), Beside(base="", largest=1 << 24)).read()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 6 * len(photo)
