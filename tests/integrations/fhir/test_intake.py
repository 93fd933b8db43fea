import io
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import pytest
from werkzeug.test import TestResponse

from skinapi.platform.storage.ports import Document
from tests.findings.prediction.photographer import predicted
from tests.findings.prediction.test_several_pictures import another_spot
from tests.integrations.fhir import orders
from tests.integrations.fhir.orders import Json
from tests.integrations.fhir.test_search import walk
from tests.integrations.fhir.validation import assert_valid
from tests.integrations.test_keys import clinic_wide, made
from tests.support.backends import Backend, Person, erase
from tests.support.photos import photo_in, photo_of

SNOMED = "http://snomed.info/sct"
DCM = "http://dicom.nema.org/resources/ontology/DCM"


def coded(*codes: str, system: str = SNOMED) -> Json:
    return {"coding": [{"system": system, "code": code} for code in codes]}


@pytest.fixture
def hospital(backend: Backend) -> Person:
    return clinic_wide(backend, scopes=["fhir"])


def sent(program: Person, body: Json, path: str = "/fhir", **headers: str) -> TestResponse:
    return program.call("POST", path, json=body, headers=headers)


def reported(answer: TestResponse) -> Json:
    assert answer.status_code == 200, answer.text
    report: Json = answer.get_json()["entry"][-1]["resource"]
    assert report["resourceType"] == "DiagnosticReport"
    return report


def outcome(answer: TestResponse) -> tuple[int, str, str]:
    body = answer.get_json()
    assert (answer.mimetype, body["resourceType"]) == ("application/fhir+json", "OperationOutcome")
    (issue,) = body["issue"]
    return answer.status_code, issue["details"]["coding"][0]["code"], issue["diagnostics"]


def findings(backend: Backend) -> list[Document]:
    return backend.stored()["submissions"]


def external(backend: Backend) -> list[Document]:
    return [item for item in backend.stored()["accounts"] if item.get("external")]


def test_an_order_becomes_the_finding_that_predict_makes(
    backend: Backend, hospital: Person
) -> None:
    answer = sent(hospital, orders.transaction())
    report = reported(answer)
    assert answer.get_json()["type"] == "transaction-response"
    (found,), (account,) = findings(backend), external(backend)
    assert report["subject"] == {"reference": f"Patient/{account['id']}"}
    assert report["id"] == str(found["number"])
    assert found["owner"] == account["id"]
    program = clinic_wide(backend, scopes=["findings:write"])
    by_form = program.call(
        "POST",
        "/predict",
        data={
            "image": (io.BytesIO(orders.PHOTO), "a.jpg"),
            "patient": account["id"],
            "age": "65",
            "sex": "female",
        },
    ).get_json()
    (same,) = (item for item in findings(backend) if item["number"] == by_form["id"])
    for finding in (found["finding"], same["finding"]):
        del finding["timings"]
    for name in ("finding", "context", "sections", "owner"):
        assert same[name] == found[name]


def test_the_answer_says_where_each_is_and_what_was_not_read(hospital: Person) -> None:
    patient, photo, report = sent(hospital, orders.transaction()).get_json()["entry"]
    assert patient["response"]["status"] == report["response"]["status"] == "201 Created"
    address = report["response"]["location"]
    assert address == report["fullUrl"]
    read = hospital.call("GET", address[address.index("/fhir") :])
    assert read.get_json() == report["resource"]
    assert read.headers["ETag"] == report["response"]["etag"]
    found = patient["response"]["location"]
    assert hospital.call("GET", found[found.index("/fhir") :]).status_code == 200
    assert "location" not in photo["response"]  # nobody consents to keeping it
    (issue,) = report["response"]["outcome"]["issue"]
    assert issue["severity"] == "information"
    assert issue["diagnostics"].endswith("not read and not kept: address, name")


def test_each_answer_to_an_order_is_valid(hospital: Person) -> None:
    said = {"Prefer": "return=OperationOutcome"}
    request, patient = "/fhir/ServiceRequest", "/fhir/Patient"
    answers = [
        sent(hospital, orders.transaction("O-1")),
        sent(hospital, orders.contained("O-2"), request),
        sent(hospital, orders.contained("O-2"), request, **said),
        sent(hospital, orders.patient(), patient),
        sent(hospital, orders.patient(), patient, **said),
        sent(hospital, orders.contained("O-3", status="draft"), request),
        sent(hospital, {}),
    ]
    assert [answer.status_code for answer in answers] == [200, 201, 200, 200, 200, 400, 400]
    assert_valid([answer.get_json() for answer in answers])


@pytest.mark.parametrize(("priority", "told"), [("stat", True), ("routine", False)])
def test_an_order_in_haste_is_told_that_nobody_sees_its_priority(
    hospital: Person, priority: str, told: bool
) -> None:
    order = orders.transaction(priority=priority)
    [*_, report] = sent(hospital, order).get_json()["entry"]
    said = report["response"]["outcome"]["issue"][0]["diagnostics"]
    assert (f"priority {priority} was not read and not kept" in said) is told
    assert ("call the doctor" in said) is told


def test_nothing_is_kept_of_names_addresses_and_numbers(backend: Backend, hospital: Person) -> None:
    reported(sent(hospital, orders.transaction("ORDER-1")))
    assert sent(hospital, orders.contained("ORDER-2"), "/fhir/ServiceRequest").status_code == 201
    kept = backend.stored()
    systems = {account.pop("number_system", None) for account in kept["accounts"]}
    assert systems == {None, orders.HOSPITAL}  # of the number its system alone
    stored = str(kept)
    names = ("Lovelace", "Augusta", "James", "London", "1960-12")
    numbers = (orders.NUMBER, orders.HOSPITAL, orders.PLACER, "ORDER-")
    assert [word for word in (*names, *numbers) if word in stored] == []


def phone(*numbers: str, **more: str) -> Json:
    return orders.patient(
        telecom=[{"system": "phone", "value": number, **more} for number in numbers]
    )


def test_a_patient_is_sent_with_a_phone_number(backend: Backend, hospital: Person) -> None:
    def stored() -> object:
        (account,) = external(backend)
        return account.get("phone")

    reported(sent(hospital, orders.transaction()))
    assert stored() == "+44 20 7946 0018"
    changed = sent(hospital, phone("ask the ward", "01.23.45.67.89"), "/fhir/Patient")
    assert (changed.status_code, stored()) == (200, "01.23.45.67.89")
    reported(sent(hospital, orders.transaction()))  # the same order once more
    assert stored() == "01.23.45.67.89"
    for unfit in (phone("ask the ward"), phone("0123 456", use="old")):
        answer = sent(hospital, unfit, "/fhir/Patient", Prefer="return=OperationOutcome")
        assert "address, name, telecom" in answer.text
    assert stored() == "01.23.45.67.89"
    reader = clinic_wide(backend, scopes=["fhir", "findings:read"])
    shown = reader.call("GET", f"/fhir/Patient/{external(backend)[0]['id']}").get_json()
    assert shown["telecom"][1] == {"system": "phone", "value": "01.23.45.67.89"}


def test_a_program_leaves_the_phone_number_of_a_person_who_logs_in(
    backend: Backend, hospital: Person
) -> None:
    ada = backend.member()
    own = {"system": "urn:skinapi:accounts", "value": backend.account(ada.email).id}
    answer = sent(hospital, {**phone("0123 456"), "identifier": [own]}, "/fhir/Patient")
    assert (answer.status_code, backend.account(ada.email).phone) == (200, None)


def test_an_order_is_answered_once(backend: Backend, hospital: Person) -> None:
    first = reported(sent(hospital, orders.transaction()))
    again = sent(hospital, orders.transaction())
    assert reported(again) == first
    assert {item["response"]["status"] for item in again.get_json()["entry"]} == {"200 OK"}
    as_one = sent(hospital, orders.contained(), "/fhir/ServiceRequest")
    said = sent(
        hospital, orders.contained(), "/fhir/ServiceRequest", Prefer="return=OperationOutcome"
    ).get_json()
    assert (said["resourceType"], "address, name" in str(said)) == ("OperationOutcome", True)
    assert (as_one.status_code, as_one.get_json()) == (200, first)
    assert len(findings(backend)) == len(external(backend)) == 1


@pytest.mark.parametrize("account", [False, True], ids=["finding", "account"])
def test_an_order_whose_finding_was_deleted_is_gone(
    backend: Backend, hospital: Person, account: bool
) -> None:
    ada = backend.member()
    owner = backend.account(ada.email)
    body = orders.contained(
        subject={"reference": f"Patient/{owner.id}"}, contained=[orders.media(id="m")]
    )
    number = sent(hospital, body, "/fhir/ServiceRequest").get_json()["id"]
    if account:
        erase(backend.services, owner)
    else:
        assert ada.call("DELETE", f"/submissions/{number}").status_code == 200
    again = sent(hospital, orders.transaction())
    assert outcome(again)[:2] == (410, "finding_erased")
    assert again.get_json()["issue"][0]["code"] == "deleted"
    assert (findings(backend), external(backend)) == ([], [])
    assert reported(sent(hospital, orders.transaction("O-2")))


def test_the_next_order_opens_a_closed_account(backend: Backend, hospital: Person) -> None:
    reported(sent(hospital, orders.transaction()))
    (patient,) = external(backend)
    root = backend.member(role="admin")
    assert root.call("DELETE", f"/users/{patient['email']}").status_code == 200
    assert [item["status"] for item in external(backend)] == ["closed"]
    reported(sent(hospital, orders.transaction("O-2")))
    (opened,) = external(backend)
    assert (opened["id"], opened["status"]) == (patient["id"], "approved")
    assert "erase_at" not in opened


def test_another_order_under_the_same_identifier_is_refused(
    backend: Backend, hospital: Person
) -> None:
    first = reported(sent(hospital, orders.transaction()))
    back = {"coding": [{"system": SNOMED, "code": "66643007"}]}
    other_photo = orders.media(photo_of("melanocytic_nevus"), id="m")
    for path, changed in (
        ("/fhir", orders.transaction(bodySite=[back])),
        ("/fhir", orders.transaction(number="PAT-2")),
        ("/fhir/ServiceRequest", orders.contained(contained=[orders.patient(id="p"), other_photo])),
    ):
        assert outcome(sent(hospital, changed, path))[:2] == (409, "identifier_reused")
    (found,) = findings(backend)
    assert (found["disputed"], len(external(backend))) == ("other_patient", 1)
    other = reported(sent(clinic_wide(backend, scopes=["fhir"]), orders.transaction()))
    assert other["id"] != first["id"], "each caller has identifiers of its own"
    assert other["subject"] == first["subject"]


def test_an_order_that_is_sent_at_the_same_time_makes_one_finding(real_backend: Backend) -> None:
    program = clinic_wide(real_backend, scopes=["fhir"])

    def send(_: int) -> Json:
        client = Person(real_backend.app.test_client(), program.token)
        return reported(sent(client, orders.transaction()))

    with ThreadPoolExecutor(4) as threads:
        assert len({item["id"] for item in threads.map(send, range(8))}) == 1
    assert len(findings(real_backend)) == len(external(real_backend)) == 1


def test_a_photo_that_cannot_be_judged_is_refused_in_the_senders_language_and_leaves_nothing(
    backend: Backend, hospital: Person
) -> None:
    before = backend.stored()
    body = orders.bundle(
        orders.entry(orders.patient(), orders.PATIENT_URL),
        orders.entry(orders.media(photo_in((12, 12, 12))), orders.MEDIA_URL),
        orders.entry(orders.request()),
    )
    english = outcome(sent(hospital, body))
    french = outcome(sent(hospital, body, **{"Accept-Language": "fr-CH, fr;q=0.9"}))
    assert english[:2] == french[:2] == (422, "not_judgeable")
    assert ("dark" in english[2], "sombre" in french[2]) == (True, True)
    for name in ("submissions", "accounts"):
        assert backend.stored()[name] == before[name]
    assert [*backend.services.store.blobs.keys()] == []


def test_the_photo_is_kept_where_a_consent_says_so(backend: Backend, hospital: Person) -> None:
    def consent(kind: str) -> Json:
        return {
            "resourceType": "Consent",
            "status": "active",
            "scope": {"coding": [{"code": "patient-privacy"}]},
            "category": [{"coding": [{"code": "idscl"}]}],
            "patient": {"reference": orders.PATIENT_URL},
            "policyRule": {"coding": [{"system": "urn:skinapi:consents", "code": "photos"}]},
            "provision": {"type": kind},
        }

    for number, kind in enumerate(("permit", "deny")):
        body = orders.transaction(f"O-{number}")
        body["entry"].insert(1, orders.entry(consent(kind)))
        answer = sent(hospital, body).get_json()["entry"]
        location = answer[2]["response"].get("location", "")
        assert ("/Media/" in location) == (kind == "permit")
        if location:
            kept = hospital.call("GET", location[location.index("/fhir") :]).get_json()
            address = kept["content"]["url"]
            assert hospital.call("GET", address[address.index("/fhir") :]).mimetype == "image/jpeg"


FACTS: tuple[tuple[Json, Json, Json, Json], ...] = (
    # What is changed of the patient, of the photo and of the order, and what is told by it.
    ({}, {}, {}, {"age_band": "60-74", "sex": "female", "modality": "unknown"}),
    ({"birthDate": "1996-12", "gender": "unknown"}, {}, {}, {"age_band": None, "sex": None}),
    ({"birthDate": "1996-11-26", "gender": "other"}, {}, {}, {"age_band": "30-44", "sex": "other"}),
    ({"birthDate": "1965"}, {}, {}, {"age_band": None}),
    ({"birthDate": "1601-01-01"}, {}, {}, {"age_band": None}),
    ({}, {"modality": coded("DMS", system=DCM)}, {}, {"modality": "dermoscopic"}),
    ({}, {}, {"bodySite": [coded("66643007")]}, {"body_site": "back"}),
    (
        {},
        {},
        {"bodySite": [coded("70559009", "7771000")]},
        {"body_site": "upper_extremity", "body_laterality": "left", "body_side": "front"},
    ),
    (
        {},
        {},
        {"bodySite": [coded("scalp", system="urn:skinapi:body-sites")]},
        {"body_site": "scalp"},
    ),
    ({}, {}, {"bodySite": [coded("64033007")]}, {"body_site": None}),  # a kidney
    ({}, {}, {"bodySite": [coded("66643007", "43067004")]}, {"body_site": None}),  # two in one
    ({}, {}, {"bodySite": [{"text": "left ear"}]}, {"body_site": None}),
)


def test_the_facts_come_from_what_is_sent_and_what_is_not_read_is_said(
    backend: Backend, hospital: Person
) -> None:
    for number, (person, photo, order, told) in enumerate(FACTS):
        body = orders.transaction(f"O-{number}", number=f"PAT-{number}", **order)
        body["entry"][0]["resource"] |= person
        body["entry"][1]["resource"] |= photo
        said = str(sent(hospital, body).get_json()["entry"][-1]["response"]["outcome"])
        context = findings(backend)[-1]["context"]
        assert {name: context.get(name) for name in told} == told
        assert ("birthDate does not say" in said) == (told.get("age_band", "") is None), told
        assert ("no place by the code" in said) == (told.get("body_site", "") is None), told


def test_photos_are_sent_in_each_way_that_fhir_has(backend: Backend, hospital: Person) -> None:
    binary = {
        "resourceType": "Binary",
        "contentType": "image/jpeg",
        "data": orders.text_of(orders.PHOTO),
    }
    base = "https://ehr.example/fhir"
    person = orders.entry(orders.patient(), orders.PATIENT_URL)
    by_binary = orders.bundle(
        person, orders.entry(binary, orders.MEDIA_URL), orders.entry(orders.request("1"))
    )
    relative = orders.bundle(
        orders.entry(orders.patient(), f"{base}/Patient/7"),
        orders.entry(orders.media(), f"{base}/Media/8"),
        orders.entry(
            orders.request(
                "4", subject={"reference": "Patient/7"}, supportingInfo=[{"reference": "Media/8"}]
            ),
            f"{base}/ServiceRequest/9",
        ),
    )
    for body in (by_binary, relative, two_photos(orders.PHOTO, orders.PHOTO)):
        answer = sent(hospital, body).get_json()
        kinds = [item.get("resource", {}).get("resourceType") for item in answer["entry"]]
        assert kinds == [None] * (len(kinds) - 1) + ["DiagnosticReport"]
    assert [finding.get("picture_count", 1) for finding in findings(backend)] == [1, 1, 2]
    assert len(external(backend)) == 1
    status, code, says = outcome(
        sent(hospital, two_photos(orders.PHOTO, another_spot(), order="O-2"))
    )
    assert (status, code) == (422, "maybe_different_spots")
    assert "same_spot" not in says
    assert len(findings(backend)) == 3


def two_photos(*photos: bytes, order: str = "O-1") -> Json:
    held = [orders.entry(orders.media(item), f"urn:uuid:{n}") for n, item in enumerate(photos)]
    info = [{"reference": f"urn:uuid:{n}"} for n in range(len(photos))]
    return orders.bundle(
        orders.entry(orders.patient(), orders.PATIENT_URL),
        *held,
        orders.entry(orders.request(order, supportingInfo=info)),
    )


def test_a_patient_is_created_once_for_each_identifier(backend: Backend, hospital: Person) -> None:
    first = sent(hospital, orders.patient(), "/fhir/Patient")
    condition = f"identifier={orders.HOSPITAL}|{orders.NUMBER}"
    again = sent(hospital, orders.patient(), "/fhir/Patient", **{"If-None-Exist": condition})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.headers["Location"] == again.headers["Location"]
    assert first.get_json()["resourceType"] == "Patient"
    found = reported(sent(hospital, orders.transaction()))
    assert found["subject"]["reference"] == f"Patient/{first.get_json()['id']}"
    by_id = orders.bundle(
        orders.entry(orders.media(), orders.MEDIA_URL),
        orders.entry(orders.request("O-9", subject=found["subject"])),
    )
    assert reported(sent(hospital, by_id))["subject"] == found["subject"]
    logical = {"identifier": {"system": orders.HOSPITAL, "value": orders.NUMBER}}
    number = {"system": orders.PLACER, "value": "O-10"}
    by_id["entry"][1]["resource"] |= {"subject": logical, "identifier": [number]}
    assert reported(sent(hospital, by_id))["subject"] == found["subject"]
    assert len(external(backend)) == 1


def test_a_person_and_a_key_of_theirs_send_for_themselves_alone(backend: Backend) -> None:
    ada, other = backend.member(), backend.account(backend.member().email)
    program, _ = made(ada, scopes=["fhir"])
    own = f"Patient/{backend.account(ada.email).id}"

    def order(number: str, patient: str) -> Json:
        held = [orders.media(id="m")]
        return orders.contained(number, subject={"reference": patient}, contained=held)

    spot = ada.call("POST", "/lesions", json={"place": {"site": "back"}}).get_json()["id"]
    for caller, number in ((ada, "1"), (program, "2")):
        body: Any = order(number, own)
        body["supportingInfo"].append({"reference": f"BodyStructure/{spot}"})
        answer = sent(caller, body, "/fhir/ServiceRequest")
        assert (answer.status_code, answer.get_json()["subject"]["reference"]) == (201, own)
        assert findings(backend)[-1]["lesion"] == spot
        before = findings(backend), external(backend)
        refused = sent(caller, order("3", f"Patient/{other.id}"), "/fhir/ServiceRequest")
        assert outcome(refused)[:2] == (404, "not_found")
        assert outcome(sent(caller, orders.transaction("4")))[:2] == (403, "forbidden")
        assert outcome(sent(caller, orders.patient(), "/fhir/Patient"))[:2] == (403, "forbidden")
        assert (findings(backend), external(backend)) == before


def test_a_failure_of_the_store_leaves_neither_patient_nor_finding(
    backend: Backend, hospital: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = backend.services.data.findings
    before = backend.stored()

    def fail(*_: object, **__: object) -> None:
        raise AssertionError("the power fails")

    monkeypatch.setattr(type(records), "add", fail)
    assert sent(hospital, orders.transaction()).status_code == 500
    assert external(backend) == []
    assert backend.stored()["accounts"] == before["accounts"]


def test_a_test_key_gets_the_report_of_the_sample_and_stores_nothing(backend: Backend) -> None:
    program = made(backend.member(), scopes=["fhir"], kind="test")[0]
    before = backend.stored(but=("guesses", "keys"))  # a use of a key is counted
    report = reported(sent(program, orders.transaction()))
    assert (report["id"], report["status"]) == ("0", "preliminary")
    assert sent(program, orders.contained(), "/fhir/ServiceRequest").status_code == 201
    assert outcome(sent(program, orders.patient(), "/fhir/Patient"))[:2] == (403, "test_key")
    assert backend.stored(but=("guesses", "keys")) == before


def test_a_report_is_found_by_its_order(backend: Backend, hospital: Person) -> None:
    number = reported(sent(hospital, orders.transaction()))["id"]
    assert sent(hospital, orders.contained("O-2"), "/fhir/ServiceRequest").status_code == 201
    by_identifier = quote(f"{orders.PLACER}|O-1")
    for asked in (
        f"based-on:identifier={by_identifier}",
        f"based-on=ServiceRequest/{number}",
        f"based-on={quote('http://127.0.0.1:5000/fhir/ServiceRequest/')}{number}",
    ):
        [found] = walk(hospital, f"DiagnosticReport?{asked}")
        assert found["id"] == number
        assert found["basedOn"][0]["type"] == "ServiceRequest"
    other = clinic_wide(backend, scopes=["fhir"])
    assert not walk(other, f"DiagnosticReport?based-on:identifier={by_identifier}")
    unknown = quote(f"{orders.PLACER}|O-9")
    assert not walk(hospital, f"DiagnosticReport?based-on:identifier={unknown}")
    plain = predicted(backend.member())["id"]
    assert not walk(hospital, f"DiagnosticReport?based-on=ServiceRequest/{plain}")
