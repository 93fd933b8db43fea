"""What FHIR takes of a server: memory, and nothing at its start; and what hostile requests get."""

import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from skinapi.base.errors import InvalidBody
from skinapi.integrations.fhir.sent_resources import read_json
from skinapi.platform.storage.ids import new_id
from tests.integrations.fhir.clinic import JSON, Clinic, read
from tests.support.backends import unavailable
from tests.support.size import size

FEW, MANY = 100, size(300, 1000)


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
