"""What is sent wrong gets an `OperationOutcome` with a sentence, and leaves nothing."""

import base64
import copy
import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.integrations.fhir import orders
from tests.integrations.fhir.orders import Json
from tests.integrations.fhir.test_intake import outcome
from tests.integrations.test_keys import clinic_wide
from tests.support.backends import Backend, Person

Change = Callable[[Any], object]


def path_of(text: str) -> list[str | int]:
    return [int(part) if part.isdigit() else part for part in text.split(".")]


def setting(path: str, value: object) -> Change:
    """Put a value at this place of the transaction."""

    def change(body: Any) -> None:
        *way, last = path_of(path)
        for part in way:
            body = body[part]
        body[last] = value

    return change


def leaving_out(path: str) -> Change:
    def change(body: Any) -> None:
        *way, last = path_of(path)
        for part in way:
            body = body[part]
        del body[last]

    return change


def adding(path: str, value: object) -> Change:
    def change(body: Any) -> None:
        for part in path_of(path):
            body = body[part]
        body.append(value)

    return change


PATIENT, MEDIA, REQUEST = (f"entry.{place}.resource" for place in range(3))
ELSEWHERE = "https://elsewhere.example/fhir"
# What is changed of a transaction that is taken, and what the answer says.
WRONG: dict[str, tuple[Change, str]] = {
    "another type": (setting("type", "batch"), "Bundle.type must be transaction"),
    "no type": (leaving_out("type"), "Bundle.type"),
    "no entries": (setting("entry", []), "1 to 20 entries"),
    "entries that are none": (setting("entry", "x"), "1 to 20 entries"),
    "an entry that is none": (setting("entry.0", None), "Each entry"),
    "too many entries": (
        lambda body: body["entry"].extend(orders.entry(orders.patient()) for _ in range(20)),
        "1 to 20 entries",
    ),
    "no request": (leaving_out("entry.0.request"), "POST one of"),
    "another method": (setting("entry.0.request.method", "DELETE"), "POST one of"),
    "an update": (setting("entry.0.request", {"method": "PUT", "url": "Patient/1"}), "POST one"),
    "an address elsewhere": (setting("entry.0.request.url", f"{ELSEWHERE}/Patient"), "POST one of"),
    "another kind than the address": (setting("entry.0.request.url", "Media"), "another kind"),
    "a condition that is not taken": (setting("entry.0.request.ifMatch", 'W/"1"'), "ifNoneExist"),
    "a condition by name": (
        setting("entry.0.request.ifNoneExist", "name=Lovelace"),
        "identifier=system|value",
    ),
    "a condition of another patient": (
        setting("entry.0.request.ifNoneExist", f"identifier={orders.HOSPITAL}|X"),
        "that it does not have",
    ),
    "a relative fullUrl": (setting("entry.0.fullUrl", "Patient/1"), "absolute"),
    "a fullUrl twice": (setting("entry.0.fullUrl", orders.MEDIA_URL), "same fullUrl"),
    "no resource": (leaving_out("entry.0.resource"), "resourceType"),
    "a resource of another kind": (
        setting(PATIENT, {"resourceType": "Observation", "status": "final"}),
        "takes Patient, ServiceRequest",
    ),
    "two orders": (
        adding("entry", orders.entry(orders.request("O-2"))),
        "one ServiceRequest",
    ),
    "no order": (leaving_out("entry.2"), "one ServiceRequest"),
    "a photo that nobody refers to": (
        adding("entry", orders.entry(orders.media())),
        "does not refer to it",
    ),
    "a second patient": (adding("entry", orders.entry(orders.patient("2"))), "not refer to it"),
    "an unknown element": (setting(f"{PATIENT}.nonsense", 1), "nonsense"),
    "an element of another type": (setting(f"{PATIENT}.gender", 7), "gender"),
    "a gender that is none": (setting(f"{PATIENT}.gender", "x"), "gender must be male or"),
    "a birth date that is none": (setting(f"{PATIENT}.birthDate", "1960-13-41"), "birthDate"),
    "no identifier": (leaving_out(f"{PATIENT}.identifier"), "an identifier with a system"),
    "an identifier without a system": (
        setting(f"{PATIENT}.identifier", [{"value": "1"}]),
        "an identifier with a system",
    ),
    "an old identifier alone": (
        setting(f"{PATIENT}.identifier.0.use", "old"),
        "an identifier with a system",
    ),
    "two identifiers": (
        adding(f"{PATIENT}.identifier", {"system": orders.HOSPITAL, "value": "2"}),
        "mark one as official",
    ),
    "an endless identifier": (setting(f"{PATIENT}.identifier.0.value", "9" * 3000), "1 to"),
    "a use that is none": (setting(f"{PATIENT}.identifier.0.use", "x"), "use must be"),
    "a patient who is out of use": (setting(f"{PATIENT}.active", False), "active changes"),
    "a patient who was replaced": (
        setting(f"{PATIENT}.link", [{"other": {"reference": "Patient/2"}, "type": "replaced-by"}]),
        "replaced it",
    ),
    "rules of its own": (setting(f"{REQUEST}.implicitRules", "urn:x"), "implicitRules changes"),
    "an extension that changes all": (
        setting(f"{MEDIA}.modifierExtension", [{"url": "urn:x", "valueBoolean": True}]),
        "modifierExtension changes",
    ),
    "a status that is none": (setting(f"{REQUEST}.status", "nonsense"), "status must be active"),
    "no status": (leaving_out(f"{REQUEST}.status"), "status"),
    "a draft": (setting(f"{REQUEST}.status", "draft"), "status must be active"),
    "a plan": (setting(f"{REQUEST}.intent", "plan"), "intent must be order"),
    "a priority that is none": (setting(f"{REQUEST}.priority", "x"), "priority must be"),
    "what must not be done": (setting(f"{REQUEST}.doNotPerform", True), "doNotPerform changes"),
    "no subject": (leaving_out(f"{REQUEST}.subject"), "subject"),
    "a subject without anything": (setting(f"{REQUEST}.subject", {}), "subject must be a Patient"),
    "a subject that is no patient": (
        setting(f"{REQUEST}.subject.reference", orders.MEDIA_URL),
        "subject must be a Patient",
    ),
    "a subject elsewhere": (
        setting(f"{REQUEST}.subject.reference", f"{ELSEWHERE}/Patient/1"),
        "fetches nothing",
    ),
    "an order without an identifier": (leaving_out(f"{REQUEST}.identifier"), "an identifier with"),
    "no photo": (leaving_out(f"{REQUEST}.supportingInfo"), "1 to 4 photos"),
    "a photo elsewhere": (
        setting(f"{REQUEST}.supportingInfo.0.reference", f"{ELSEWHERE}/Media/1"),
        "fetches nothing",
    ),
    "a photo that is not there": (
        setting(f"{REQUEST}.supportingInfo.0.reference", "urn:uuid:gone"),
        "fetches nothing",
    ),
    "an order that supports itself": (
        setting(f"{REQUEST}.supportingInfo.0.reference", orders.REQUEST_URL),
        "fetches nothing",
    ),
    "a file of the server": (
        setting(f"{MEDIA}.content", {"contentType": "image/jpeg", "url": "file:///etc/passwd"}),
        "fetches nothing",
    ),
    "a machine of the clinic": (
        setting(
            f"{MEDIA}.content",
            {"contentType": "image/jpeg", "url": "http://169.254.169.254/latest/meta-data"},
        ),
        "fetches nothing",
    ),
    "a photo whose content is itself": (
        setting(f"{MEDIA}.content", {"contentType": "image/jpeg", "url": orders.MEDIA_URL}),
        "fetches nothing",
    ),
    "a photo without content": (setting(f"{MEDIA}.content", {}), "fetches nothing"),
    "a photo that is not ready": (setting(f"{MEDIA}.status", "preparation"), "status must be"),
    "a photo of another patient": (
        setting(f"{MEDIA}.subject", {"identifier": {"system": orders.HOSPITAL, "value": "2"}}),
        "another patient",
    ),
    "no base64": (setting(f"{MEDIA}.content.data", "%%%"), "base64"),
    "half of base64": (setting(f"{MEDIA}.content.data", "abc"), "base64"),
    "base64 of nothing": (setting(f"{MEDIA}.content.data", ""), "no photo"),
    "a type that lies": (setting(f"{MEDIA}.content.contentType", "image/png"), "contentType names"),
    "a type that is no photo": (
        setting(f"{MEDIA}.content.contentType", "text/html"),
        "contentType must be",
    ),
    "a photo without a type": (leaving_out(f"{MEDIA}.content.contentType"), "contentType must be"),
    "a size that lies": (setting(f"{MEDIA}.content.size", 3), "content.size"),
    "a hash that lies": (setting(f"{MEDIA}.content.hash", "AAAA"), "content.hash"),
    "two places": (
        setting(
            f"{REQUEST}.bodySite",
            [
                {"coding": [{"system": "http://snomed.info/sct", "code": code}]}
                for code in ("66643007", "43067004")
            ],
        ),
        "several places",
    ),
    "something contained of no kind": (
        setting(f"{REQUEST}.contained", [{"resourceType": "Media", "status": "x"}]),
        "contained[0]",
    ),
    "something contained without an id": (
        setting(f"{REQUEST}.contained", [orders.media()]),
        "an id of its own",
    ),
    "a text instead of a resource": (setting(f"{REQUEST}.contained", ["{}"]), "is an object"),
}


@pytest.fixture
def hospital(backend: Backend) -> Iterator[Person]:
    """Whoever sends what leaves nothing."""
    program = clinic_wide(backend, scopes=["fhir"])
    before = kept(backend)
    yield program
    assert kept(backend) == before


def kept(backend: Backend) -> tuple[object, ...]:
    stored = backend.stored(but=("guesses", "counters"))
    return stored, sorted(backend.services.store.blobs.keys())


def test_what_is_sent_wrong_is_refused_with_a_sentence(hospital: Person) -> None:
    for name, (change, says) in WRONG.items():
        body = copy.deepcopy(orders.transaction())
        change(body)
        status, code, sentence = outcome(hospital.call("POST", "/fhir", json=body))
        assert (name, status, code in ("invalid_body", "bad_request")) == (name, 400, True)
        assert says in sentence, name


def test_a_body_that_is_no_json_is_refused(hospital: Person) -> None:
    body = json.dumps(orders.transaction())
    twice = body.replace('"type": "transaction"', '"type": "batch", "type": "transaction"')
    hostile = {
        "named twice": twice,
        "not a number": body.replace('"1960-12-10"', "NaN"),
        "endless": body[:-1],
        "no text": b"\xff\xfe\x00",
        "half a letter": body.replace("Lovelace", "\\ud800"),
        "deep": "[" * 5000 + "]" * 5000,
        "deep within": body.replace('"Lovelace"', '{"a":' * 400 + "1" + "}" * 400),
        "many": json.dumps({"entry": [{"resource": {}}] * 10_000}),
        "a list": "[]",
        "nothing": "",
    }
    for name, text in hostile.items():
        answer = hospital.call(
            "POST", "/fhir", data=text, headers={"Content-Type": "application/fhir+json"}
        )
        assert (name, outcome(answer)[0]) == (name, 400)


@pytest.mark.parametrize(
    "media_type",
    ["application/fhir+xml", "text/xml", "text/plain", "application/fhir+json; fhirVersion=5.0"],
)
def test_another_form_than_r4_in_json_is_refused(hospital: Person, media_type: str) -> None:
    body = json.dumps(orders.transaction())
    answer = hospital.call("POST", "/fhir", data=body, headers={"Content-Type": media_type})
    assert outcome(answer)[0] == 415


def test_an_answer_in_xml_is_refused_before_anything_is_judged(hospital: Person) -> None:
    answer = hospital.call(
        "POST", "/fhir", json=orders.transaction(), headers={"Accept": "application/fhir+xml"}
    )
    assert outcome(answer)[0] == 406


def test_a_resource_of_another_kind_than_its_address_is_refused(hospital: Person) -> None:
    for path, body in (
        ("/fhir/ServiceRequest", orders.patient()),
        ("/fhir/Patient", orders.contained()),
        ("/fhir", orders.contained()),
    ):
        assert outcome(hospital.call("POST", path, json=body))[0] == 400


def test_a_photo_that_is_too_large_is_refused(tmp_path: Any, given: Any) -> None:
    backend = Backend(tmp_path / "small", max_upload_bytes=20_000, **given)
    program = clinic_wide(backend, scopes=["fhir"])
    before = kept(backend)
    large = [
        orders.transaction(note=[{"text": "x" * 200_000}]),
        orders.transaction(),
    ]
    photo = orders.PHOTO + b"\0" * 20_000
    large[1]["entry"][1]["resource"]["content"] = {
        "contentType": "image/jpeg",
        "data": orders.text_of(photo),
    }
    for body in large:
        assert outcome(program.call("POST", "/fhir", json=body))[0] == 413
    assert kept(backend) == before
    backend.services.store.close()


def test_size_and_hash_that_are_true_are_taken(backend: Backend) -> None:
    body: Json = orders.transaction()
    digest = hashlib.sha1(orders.PHOTO, usedforsecurity=False).digest()
    body["entry"][1]["resource"]["content"] |= {
        "size": len(orders.PHOTO),
        "hash": base64.b64encode(digest).decode(),
    }
    program = clinic_wide(backend, scopes=["fhir"])
    assert program.call("POST", "/fhir", json=body).status_code == 200


def test_a_key_without_the_scope_is_refused(backend: Backend) -> None:
    program = clinic_wide(backend, scopes=["findings:write"])
    before = kept(backend)
    answer = program.call("POST", "/fhir", json=orders.transaction())
    assert outcome(answer)[:2] == (403, "key_lacks_scope")
    assert kept(backend) == before
