from datetime import datetime, timedelta
from operator import eq, ge, gt, le, lt
from typing import Any
from urllib.parse import quote

import pytest

from skinapi.base.errors import InvalidQuery
from skinapi.findings.records import stored_findings
from skinapi.findings.records.changed_findings import LATEST_COMMIT
from skinapi.integrations.fhir.search import read_span
from skinapi.platform.storage.ids import first_id_at, now
from tests.integrations.fhir.clinic import Clinic, entries, read
from tests.integrations.fhir.validation import assert_valid
from tests.support.backends import Person

OF_PATIENT = ("BodyStructure", "DiagnosticReport", "Observation", "Media")


def walk(person: Person, path: str) -> list[Any]:
    found = []
    while path:
        bundle = read(person, path)
        found += [entry for entry in entries(bundle) if entry["resourceType"] != "OperationOutcome"]
        links = {item["relation"]: item["url"] for item in bundle["link"]}
        path = links.get("next", "").partition("/fhir/")[2]
    return found


def walk_patient(person: Person, patient: str) -> list[Any]:
    found = walk(person, f"Patient?_id={patient}")
    for kind in OF_PATIENT:
        found += walk(person, f"{kind}?patient={patient}&_count=200")
    return found


def ids(resources: list[Any]) -> list[str]:
    return [resource["id"] for resource in resources]


@pytest.mark.parametrize("kind", ["DiagnosticReport", "Observation", "Patient"])
def test_small_pages_have_what_a_large_one_has(clinic: Clinic, kind: str) -> None:
    person = clinic.doctor
    whole = ids(walk(person, f"{kind}?_count=200"))
    assert ids(walk(person, f"{kind}?_count=3")) == whole
    assert len(set(whole)) == len(whole) > 0
    assert all(
        len(entries(read(person, f"{kind}?_count={count}"))) <= count for count in (0, 1, 2, 7)
    )


def test_what_was_changed_since_is_found_by_the_time_of_the_bundle(clinic: Clinic) -> None:
    before = read(clinic.doctor, "DiagnosticReport?_count=200")
    complete_until = datetime.fromisoformat(before["meta"]["lastUpdated"])
    newest = max(entry["meta"]["lastUpdated"] for entry in entries(before))
    # What is committed late has an earlier time than what was read already.
    assert complete_until < datetime.fromisoformat(newest) + timedelta(seconds=1)
    number = clinic.file()
    since = quote(before["meta"]["lastUpdated"])
    found = walk(clinic.doctor, f"DiagnosticReport?_lastUpdated=ge{since}")
    assert str(number) in ids(found)


def test_a_change_that_is_committed_late_is_not_missed(clinic: Clinic) -> None:
    bundle = read(clinic.doctor, "DiagnosticReport?_count=200")
    number = clinic.file()
    findings = clinic.backend.services.store.collection("submissions")
    made_before = first_id_at(now() - LATEST_COMMIT + timedelta(seconds=10))
    findings.update({"number": number}, {"$set": {"changed": made_before}})
    since = quote(bundle["meta"]["lastUpdated"])
    assert str(number) in ids(walk(clinic.doctor, f"DiagnosticReport?_lastUpdated=ge{since}"))


def test_times_are_compared_as_the_prefix_says(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    each = walk(clinic.doctor, "DiagnosticReport")
    times = sorted(item["meta"]["lastUpdated"] for item in each)
    middle = times[len(times) // 2]
    compared = {"ge": ge, "gt": gt, "le": le, "lt": lt, "": eq}
    for prefix, holds in compared.items():
        found = walk(clinic.doctor, f"DiagnosticReport?_lastUpdated={prefix}{quote(middle)}")
        wanted = {item["id"] for item in each if holds(item["meta"]["lastUpdated"], middle)}
        assert {*ids(found)} == wanted, prefix
    monkeypatch.setattr(stored_findings, "CHANGED_AT_ONCE", 2)
    backwards = walk(clinic.doctor, "DiagnosticReport?_sort=-_lastUpdated&_count=2")
    assert ids(backwards) == ids(each)[::-1]


SPANS = {
    "2026": ("2026-01-01T00:00:00", "2027-01-01T00:00:00"),
    "2026-12": ("2026-12-01T00:00:00", "2027-01-01T00:00:00"),
    "2024-02-29": ("2024-02-29T00:00:00", "2024-03-01T00:00:00"),
    "2026-11-26T10:00:00+02:00": ("2026-11-26T08:00:00", "2026-11-26T08:00:01"),
    "ge2026-11-26T10:00Z": ("2026-11-26T10:00:00", None),
    "lt2026-11-26": (None, "2026-11-26T00:00:00"),
    "gt2026-11-26": ("2026-11-27T00:00:00", None),
}


def test_a_date_stands_for_all_that_it_names() -> None:
    for value, ends in SPANS.items():
        span = read_span("date", value)
        told = [end and end.isoformat().removesuffix("+00:00") for end in (span.since, span.until)]
        assert told == [*ends], value
    for value in ("", "ne2026", "2026-13", "2026-02-30", "yesterday", "ge9999-12-31"):
        with pytest.raises(InvalidQuery):
            read_span("date", value)


def test_tokens_choose_by_code_and_by_system(clinic: Clinic) -> None:
    final = walk(clinic.doctor, "DiagnosticReport?status=final,amended")
    assert {item["status"] for item in final} == {"final", "amended"}
    code = "http://snomed.info/sct|93655004"
    concluded = walk(clinic.doctor, f"DiagnosticReport?conclusion={quote(code)}")
    assert str(clinic.numbers["signed"]) in ids(concluded)
    assert all("93655004" in str(item["conclusionCode"]) for item in concluded)
    assert not walk(clinic.doctor, f"DiagnosticReport?conclusion={quote('http://x|93655004')}")
    urgent = walk(clinic.doctor, "Observation?code=urgency&_count=4")
    assert {item["code"]["coding"][0]["code"] for item in urgent} == {"urgency"}
    assert len(urgent) == len(walk(clinic.doctor, "DiagnosticReport"))


def test_an_id_and_an_identifier_find_one(clinic: Clinic) -> None:
    number = clinic.numbers["signed"]
    both = f"{number},{clinic.numbers['new']},999999,nonsense"
    assert len(walk(clinic.doctor, f"DiagnosticReport?_id={both}")) == 2
    named = quote(f"urn:skinapi:findings|{number}")
    assert ids(walk(clinic.doctor, f"DiagnosticReport?identifier={named}")) == [str(number)]
    other = quote(f"urn:other|{number}")
    assert not walk(clinic.doctor, f"DiagnosticReport?identifier={other}")
    assert len(walk(clinic.doctor, f"Patient?identifier={clinic.patient}")) == 1


def test_a_patient_is_named_in_each_way(clinic: Clinic) -> None:
    whole = ids(walk(clinic.doctor, "DiagnosticReport"))
    base = f"{clinic.backend.settings.address}/fhir"
    for value in (clinic.patient, f"Patient/{clinic.patient}", f"{base}/Patient/{clinic.patient}"):
        for name in ("patient", "subject"):
            assert ids(walk(clinic.doctor, f"DiagnosticReport?{name}={quote(value)}")) == whole
    assert not walk(clinic.doctor, f"DiagnosticReport?patient={clinic.doctor_id}")


def test_what_only_shapes_an_answer_is_ignored_and_said(clinic: Clinic) -> None:
    bundle = read(clinic.doctor, "DiagnosticReport?_include=DiagnosticReport:subject&status=final")
    warned = [item for item in bundle["entry"] if item["search"]["mode"] == "outcome"]
    assert "_include" in warned[0]["resource"]["issue"][0]["diagnostics"]
    assert "_include" not in bundle["link"][0]["url"]


@pytest.mark.parametrize(
    ("collection", "kinds"),
    [
        ("submissions", ("DiagnosticReport", "Observation", "Media")),
        ("lesions", ("BodyStructure",)),
        ("accounts", ("Patient",)),
    ],
)
def test_a_bundle_without_a_damaged_record_says_that_it_is_not_complete(
    clinic: Clinic, collection: str, kinds: tuple[str, ...]
) -> None:
    """No FHIR library shows a header, so a record system would take the list as complete."""
    stored = clinic.backend.services.store.collection(collection)
    owned = {"email": clinic.ada.email} if collection == "accounts" else {"owner": clinic.patient}
    kept = stored.find(owned)[0]
    stored.update({"id": kept["id"]}, {"$unset": {"created_at": True}})
    form = {"data": {"_include": "x"}, "content_type": "application/x-www-form-urlencoded"}
    try:
        for kind in kinds:
            both = read(clinic.doctor, kind), sent(clinic.doctor, f"{kind}/_search", **form)
            issues = [issues_in(bundle) for bundle in both]
            assert [item["code"] for item in issues[0]] == ["incomplete"]
            assert [item["code"] for item in issues[1]] == ["not-supported", "incomplete"]
            assert f"{collection}=" in issues[0][0]["diagnostics"]
            assert_valid(both)
    finally:
        stored.delete({"id": kept["id"]})
        stored.insert(kept)
    assert issues_in(read(clinic.doctor, kinds[0])) == []


def sent(person: Person, path: str, **form: Any) -> Any:
    answer = person.call("POST", f"/fhir/{path}", **form)
    assert answer.status_code == 200, answer.text
    return answer.get_json(force=True)


def issues_in(bundle: Any) -> list[Any]:
    modes = [item for item in bundle.get("entry", ()) if item["search"]["mode"] == "outcome"]
    assert len(modes) <= 1
    return [issue for item in modes for issue in item["resource"]["issue"]]


NOT_SEARCHED = (
    "DiagnosticReport?patient.identifier=urn:x|4711",
    "Media?subject.identifier=4711",
    "Patient?identifier=PAT-0815",
    "Patient?identifier=|PAT-0815",
    "DiagnosticReport?performer=Practitioner/x",
    "DiagnosticReport?based-on:identifier=O-1",
    "Media?target=x",
    "Patient?name=Ada",
    "DiagnosticReport?status:not=final",
)


def test_a_search_by_what_is_not_known_gives_nobodys_resources(clinic: Clinic) -> None:
    for asked in NOT_SEARCHED:
        refused = read(clinic.doctor, asked, status=400)
        assert asked.partition("?")[2].partition("=")[0] in refused["issue"][0]["diagnostics"]
