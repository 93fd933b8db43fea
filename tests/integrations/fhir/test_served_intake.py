"""Orders of another program, sent to a server by itself: they are built of the models of
fhirclient, and what is answered is checked by @medplum/core.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from fhirclient.models.attachment import Attachment
from fhirclient.models.bundle import Bundle, BundleEntry, BundleEntryRequest
from fhirclient.models.codeableconcept import CodeableConcept
from fhirclient.models.coding import Coding
from fhirclient.models.diagnosticreport import DiagnosticReport
from fhirclient.models.fhirdate import FHIRDate
from fhirclient.models.fhirreference import FHIRReference
from fhirclient.models.identifier import Identifier
from fhirclient.models.media import Media
from fhirclient.models.operationoutcome import OperationOutcome
from fhirclient.models.patient import Patient
from fhirclient.models.servicerequest import ServiceRequest

from tests.integrations.fhir import orders
from tests.integrations.fhir.validation import assert_valid
from tests.integrations.test_docs_commands import token
from tests.served.server import Server, serving


def built(model: Any, **fields: Any) -> Any:
    made = model()
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def entry(resource: Any, url: str) -> BundleEntry:
    request = built(BundleEntryRequest, method="POST", url=resource.resource_type)
    return built(BundleEntry, fullUrl=url, resource=resource, request=request)


def order(number: str) -> Bundle:
    identified = built(Identifier, system=orders.HOSPITAL, value=orders.NUMBER)
    born = FHIRDate("1960-12-10")
    patient = built(Patient, identifier=[identified], gender="female", birthDate=born)
    data = orders.text_of(orders.PHOTO)
    content = built(Attachment, contentType="image/jpeg", data=data, size=len(orders.PHOTO))
    media = built(Media, status="completed", content=content)
    back = built(Coding, system="http://snomed.info/sct", code="66643007")
    request = built(
        ServiceRequest,
        identifier=[built(Identifier, system=orders.PLACER, value=number)],
        status="active",
        intent="order",
        subject=built(FHIRReference, reference=orders.PATIENT_URL),
        bodySite=[built(CodeableConcept, coding=[back])],
        supportingInfo=[built(FHIRReference, reference=orders.MEDIA_URL)],
    )
    entries = [
        entry(patient, orders.PATIENT_URL),
        entry(media, orders.MEDIA_URL),
        entry(request, orders.REQUEST_URL),
    ]
    return built(Bundle, type="transaction", entry=entries)


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, requests.Session]]:
    """The address of the resources, and a clinic's program."""
    folder: Path = tmp_path_factory.mktemp("server")
    with serving(folder, workers=1) as server:
        session = requests.Session()
        address = f"http://127.0.0.1:{server.port}"
        session.headers["Authorization"] = f"Bearer {key_of(server, address)}"
        yield f"{address}/fhir", session
        session.close()


def key_of(server: Server, address: str) -> str:
    answer = requests.post(
        f"{address}/admin/keys",
        json={"name": "our record", "scopes": ["fhir"], "current_password": ""},
        headers={"Authorization": f"Bearer {token(server, 'admin')}"},
        timeout=60,
    )
    secret: str = answer.json()["secret"]
    return secret


def post(session: requests.Session, address: str, body: Any, **headers: str) -> requests.Response:
    sent = {"Content-Type": "application/fhir+json", **headers}
    return session.post(address, data=json.dumps(body), headers=sent, timeout=60)


def test_another_programs_order_is_taken_and_answered_in_valid_fhir(
    hospital: tuple[str, requests.Session],
) -> None:
    base, session = hospital
    answer = post(session, base, order("O-1").as_json())
    assert answer.status_code == 200, answer.text
    bundle = Bundle(answer.json())
    *_, taken = bundle.entry
    assert isinstance(taken.resource, DiagnosticReport)
    assert taken.response.status == "201 Created"
    assert isinstance(taken.response.outcome, OperationOutcome)
    path = taken.response.location.partition("/fhir/")[2]
    assert session.get(f"{base}/{path}", timeout=60).json() == taken.resource.as_json()
    assert_valid([answer.json()])
    again = post(session, base, order("O-1").as_json()).json()
    assert again["entry"][-1]["resource"] == taken.resource.as_json()


def test_what_is_answered_otherwise_is_valid_fhir_too(
    hospital: tuple[str, requests.Session],
) -> None:
    base, session = hospital
    whole = f"{base}/ServiceRequest"
    draft = orders.contained("O-3", status="draft")
    answers = {
        "created": post(session, whole, orders.contained("O-2")),
        "outcome": post(session, whole, orders.contained("O-2"), Prefer="return=OperationOutcome"),
        "patient": post(session, f"{base}/Patient", orders.patient()),
        "patient's outcome": post(
            session, f"{base}/Patient", orders.patient(), Prefer="return=OperationOutcome"
        ),
        "refused": post(session, whole, draft),
        "nothing": post(session, base, {}),
        "metadata": session.get(f"{base}/metadata", timeout=60),
    }
    assert {answer.status_code for answer in answers.values()} == {200, 201, 400}
    assert_valid([answer.json() for answer in answers.values()])
