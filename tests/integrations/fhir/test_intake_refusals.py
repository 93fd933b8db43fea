import copy
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integrations.fhir import orders
from tests.integrations.fhir.test_intake import coded, outcome
from tests.integrations.test_keys import clinic_wide
from tests.support.backends import Backend, Person
from tests.support.size import size

MISSING = object()
PATIENT, MEDIA, REQUEST = (f"entry.{place}.resource" for place in range(3))
ELSEWHERE = "https://elsewhere.example/fhir"
JPEG = {"contentType": "image/jpeg"}
SECOND = {"system": orders.HOSPITAL, "value": "2"}
REPLACED = [{"other": {"reference": "Patient/2"}, "type": "replaced-by"}]
IF_NONE = "entry.0.request.ifNoneExist"
PHOTO_REFERENCE = f"{REQUEST}.supportingInfo.0.reference"
# What stands at a place of a transaction that is taken, and what the answer says then. A place that
# ends with + is a list that gets one more.
WRONG: list[tuple[str, object, str]] = [
    ("type", "batch", "Bundle.type must be transaction"),
    ("type", MISSING, "Bundle.type"),
    ("entry", [], "1 to 20 entries"),
    ("entry", "x", "1 to 20 entries"),
    ("entry", [orders.entry(orders.patient())] * 21, "1 to 20 entries"),
    ("entry.0", None, "Each entry"),
    ("entry.0.request", MISSING, "POST one of"),
    ("entry.0.request.method", "DELETE", "POST one of"),
    ("entry.0.request.url", f"{ELSEWHERE}/Patient", "POST one of"),
    ("entry.0.request.url", "Media", "another kind"),
    ("entry.0.request.ifMatch", 'W/"1"', "ifNoneExist"),
    (IF_NONE, "name=Lovelace", "identifier=system|value"),
    (IF_NONE, f"identifier={orders.HOSPITAL}|X", "that it does not have"),
    ("entry.0.fullUrl", "Patient/1", "absolute"),
    ("entry.0.fullUrl", orders.MEDIA_URL, "same fullUrl"),
    ("entry.0.resource", MISSING, "resourceType"),
    (PATIENT, {"resourceType": "Observation", "status": "final"}, "takes Patient, ServiceRequest"),
    ("entry+", orders.entry(orders.request("O-2")), "one ServiceRequest"),
    ("entry.2", MISSING, "one ServiceRequest"),
    ("entry+", orders.entry(orders.media()), "does not refer to it"),
    ("entry+", orders.entry(orders.patient("2")), "not refer to it"),
    (f"{PATIENT}.nonsense", 1, "nonsense"),
    (f"{PATIENT}.gender", 7, "gender"),
    (f"{PATIENT}.gender", "x", "gender must be male or"),
    (f"{PATIENT}.birthDate", "1960-13-41", "birthDate"),
    (f"{PATIENT}.identifier", MISSING, "an identifier with a system"),
    (f"{PATIENT}.identifier", [{"value": "1"}], "an identifier with a system"),
    (f"{PATIENT}.identifier.0.use", "old", "an identifier with a system"),
    (f"{PATIENT}.identifier+", SECOND, "mark one as official"),
    (f"{PATIENT}.identifier.0.value", "9" * 3000, "1 to"),
    (f"{PATIENT}.identifier.0.value", "PAT-\u200b0815", "that nobody sees (U+200B)"),
    (f"{REQUEST}.identifier.0.value", "O-\u202e1", "that nobody sees (U+202E)"),
    (f"{PATIENT}.identifier.0.use", "x", "use must be"),
    (f"{PATIENT}.active", False, "active changes"),
    (f"{PATIENT}.link", REPLACED, "replaced it"),
    (f"{REQUEST}.implicitRules", "urn:x", "implicitRules changes"),
    (f"{MEDIA}.modifierExtension", [{"url": "urn:x", "valueBoolean": True}], "modifierExtension"),
    (f"{REQUEST}.status", MISSING, "status"),
    (f"{REQUEST}.status", "draft", "status must be active"),
    (f"{REQUEST}.intent", "plan", "intent must be order"),
    (f"{REQUEST}.priority", "x", "priority must be"),
    (f"{REQUEST}.doNotPerform", True, "doNotPerform changes"),
    (f"{REQUEST}.subject", {}, "subject must be a Patient"),
    (f"{REQUEST}.subject.reference", orders.MEDIA_URL, "subject must be a Patient"),
    (f"{REQUEST}.subject.reference", f"{ELSEWHERE}/Patient/1", "fetches nothing"),
    (f"{REQUEST}.identifier", MISSING, "an identifier with"),
    (f"{REQUEST}.supportingInfo", MISSING, "1 to 4 photos"),
    (PHOTO_REFERENCE, f"{ELSEWHERE}/Media/1", "fetches nothing"),
    (PHOTO_REFERENCE, orders.REQUEST_URL, "fetches nothing"),
    (f"{MEDIA}.content", {**JPEG, "url": "http://169.254.169.254/latest"}, "no photo"),
    (f"{MEDIA}.content", {}, "no photo"),
    (f"{MEDIA}.status", "preparation", "status must be"),
    (f"{MEDIA}.subject", {"identifier": SECOND}, "another patient"),
    (f"{MEDIA}.content.data", "%%%", "base64"),
    (f"{MEDIA}.content.data", "abc", "base64"),
    (f"{MEDIA}.content.data", "", "no photo"),
    (f"{REQUEST}.bodySite", [coded("66643007"), coded("43067004")], "several places"),
    (f"{REQUEST}.contained", [{"resourceType": "Media", "status": "x"}], "contained[0]"),
    (f"{REQUEST}.contained", [orders.media()], "an id of its own"),
    (f"{REQUEST}.contained", ["{}"], "is an object"),
]


def put(body: Any, path: str, value: object) -> None:
    *way, last = [int(part) if part.isdigit() else part for part in path.rstrip("+").split(".")]
    for part in way:
        body = body[part]
    if path.endswith("+"):
        body[last].append(value)
    elif value is MISSING:
        del body[last]
    else:
        body[last] = value


@pytest.fixture
def hospital(backend: Backend) -> Iterator[Person]:
    program = clinic_wide(backend, scopes=["fhir"])
    before = kept(backend)
    yield program
    assert kept(backend) == before


def kept(backend: Backend) -> tuple[object, ...]:
    stored = backend.stored(but=("guesses", "counters", "keys"))  # a use of a key is counted
    return stored, sorted(backend.services.store.blobs.keys())


def test_what_is_sent_wrong_is_refused_with_a_sentence(hospital: Person) -> None:
    for path, value, says in WRONG:
        body = copy.deepcopy(orders.transaction())
        put(body, path, value)
        status, code, sentence = outcome(hospital.call("POST", "/fhir", json=body))
        case = path, str(value)[:60]
        assert (case, status, code in ("invalid_body", "bad_request")) == (case, 400, True)
        assert says in sentence, case
    for path, body in (
        ("/fhir/ServiceRequest", orders.patient()),
        ("/fhir/Patient", orders.contained()),
        ("/fhir", orders.contained()),
    ):
        assert outcome(hospital.call("POST", path, json=body))[0] == 400


def test_a_body_that_is_no_json_or_no_r4_is_refused(hospital: Person) -> None:
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
        headers = {"Content-Type": "application/fhir+json"}
        answer = hospital.call("POST", "/fhir", data=text, headers=headers)
        assert (name, outcome(answer)[0]) == (name, 400)
    for form in ("application/fhir+xml", "text/plain", "application/fhir+json; fhirVersion=5.0"):
        answer = hospital.call("POST", "/fhir", data=body, headers={"Content-Type": form})
        assert outcome(answer)[0] == 415
    answer = hospital.call("POST", "/fhir", data=body, headers={"Accept": "application/fhir+xml"})
    assert outcome(answer)[0] == 406


def test_a_photo_that_is_too_large_is_refused(tmp_path: Any) -> None:
    backend = Backend(tmp_path / "small", max_upload_bytes=20_000)
    program = clinic_wide(backend, scopes=["fhir"])
    before = kept(backend)
    long, large = orders.transaction(note=[{"text": "x" * 200_000}]), orders.transaction()
    put(large, f"{MEDIA}.content.data", orders.text_of(orders.PHOTO + b"\0" * 20_000))
    for body in (long, large):
        assert outcome(program.call("POST", "/fhir", json=body))[0] == 413
    assert kept(backend) == before
    backend.services.store.close()


CASES = size(40, 500)
HOSTILE: tuple[Any, ...] = (
    *(None, True, 0, -1, 1e308, 10**30, "", " ", "\ud800", "\0", "é😀", "x" * 5000, "../..", "#"),
    *([], {}, [None], [[]], {"": {}}, "urn:uuid:p", "Patient/1", "http://169.254.169.254/", "%"),
    *("transaction", "Bundle", "ServiceRequest", {"resourceType": "Media"}, "9999-99-99", "AAAA"),
)


def places(value: Any) -> list[tuple[Any, Any]]:
    keys: list[Any] = []
    if isinstance(value, dict | list):
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    return [place for key in keys for place in ((value, key), *places(value[key]))]


def damaged(body: Any, chance: random.Random) -> bytes:
    for _ in range(chance.randint(0, 3)):
        holder, key = chance.choice(places(body))
        if chance.random() < 0.3:
            del holder[key]
        else:
            holder[key] = copy.deepcopy(chance.choice(HOSTILE))
        if not places(body):
            break
    text = bytearray(json.dumps(body).encode())
    for _ in range(chance.choice((0, 0, 1, 4))):
        at = chance.randrange(len(text))
        text[at : at + chance.choice((0, 1, 50))] = chance.choice((b"", b'"', b"}", b"[", b"\xff"))
    return bytes(text)


def test_a_damaged_bundle_is_taken_or_refused_and_leaves_nothing_behind(backend: Backend) -> None:
    program = clinic_wide(backend, scopes=["fhir"])

    def kept() -> tuple[Any, ...]:
        store, names = backend.services.store, ("accounts", "submissions", "lesions", "outbox")
        held = [store.collection(name).find(fields=("revision",)) for name in names]
        return held, sorted(store.blobs.keys())

    for number in range(CASES):
        whole = (orders.transaction, orders.contained)[number % 2](f"O-{number}")
        path = "/fhir/ServiceRequest" if number % 2 else "/fhir"
        text, before = damaged(whole, random.Random(number)), kept()
        headers = {"Content-Type": orders.JSON}
        answer = program.call("POST", path, data=text, headers=headers)
        assert answer.status_code < 500, (number, answer.text)
        assert answer.mimetype == orders.JSON, number
        body = answer.get_json()
        made = [answer.status]
        if body["resourceType"] == "Bundle":
            made = [entry["response"]["status"] for entry in body["entry"]]
        if not any(status.startswith("201") for status in made):
            assert kept() == before, number
