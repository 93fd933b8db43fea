from typing import Any

import pytest

from tests.integrations.fhir import orders
from tests.integrations.test_doctors_of_patients import GREY, HOUSE, Open, in_charge, open_backend
from tests.integrations.test_keys import clinic_wide, made
from tests.support.backends import Backend, change_account

__all__ = ["open_backend"]


def performer(backend: Backend, way: str) -> dict[str, Any]:
    account = backend.account(GREY).id
    practitioner = {
        "resourceType": "Practitioner",
        "id": "d",
        "name": [{"family": "Grey"}],
        "telecom": [{"system": "email", "value": GREY}],
    }
    told: dict[str, dict[str, Any]] = {
        "e-mail": {"performer": [{"identifier": {"system": "urn:oid:2.999.9", "value": GREY}}]},
        "id": {"performer": [{"reference": f"Practitioner/{account}"}]},
        "requester": {"requester": {"reference": "#d"}, "contained": [practitioner]},
    }
    return told[way]


@pytest.mark.parametrize("way", ["e-mail", "id"])
def test_an_order_names_the_doctor_of_a_patient_who_has_none(open_backend: Open, way: str) -> None:
    backend = open_backend()
    hospital = clinic_wide(backend, scopes=["fhir"])
    named = performer(backend, way)
    for order, number in (("O-1", "PAT-1"), ("O-2", "PAT-1"), ("O-3", "PAT-2")):
        known = order == "O-2"  # a patient whom nobody is in charge of any more
        if known:
            change_account(backend.services, first_patient(backend), doctor_id=None)
        hospital.call_ok("POST", "/fhir", json=orders.transaction(order, number=number, **named))
        assert [in_charge(backend, item["owner"]) for item in backend.stored()["submissions"]][
            -1
        ] == GREY
    house = backend.account(HOUSE).id
    change_account(backend.services, first_patient(backend), doctor_id=house)
    again = hospital.call("POST", "/fhir", json=orders.transaction("O-4", number="PAT-1", **named))
    told = again.get_json()["entry"][-1]["response"]["outcome"]["issue"]
    assert any("another doctor in charge" in item["diagnostics"] for item in told)


def first_patient(backend: Backend) -> str:
    patients = [item["id"] for item in backend.stored()["accounts"] if item.get("external")]
    return str(patients[0])


def test_an_order_for_a_doctor_whom_nobody_knows_is_refused(open_backend: Open) -> None:
    backend = open_backend()
    hospital = clinic_wide(backend, scopes=["fhir"])
    unknown = {"performer": [{"identifier": {"system": "urn:x", "value": "LANR-1"}}]}
    for performers in (unknown, {"performer": [{"display": "Dr Grey"}]}):
        refused = hospital.call("POST", "/fhir", json=orders.transaction(**performers))
        assert refused.status_code == 422
        coding = refused.get_json()["issue"][0]["details"]["coding"][0]
        assert coding["code"] == "unknown_performer"
        sentence = refused.get_json()["issue"][0]["diagnostics"]
        assert "DEFAULT_DOCTOR" not in sentence  # the sender sets nothing here
        assert "e-mail" in sentence
    assert not backend.stored().get("submissions")
    # The person who placed the order is in charge of nothing.
    ordered = orders.transaction(**performer(backend, "requester"))
    assert hospital.call("POST", "/fhir", json=ordered).status_code == 200
    assert in_charge(backend, backend.stored()["submissions"][-1]["owner"]) is None
    ada = backend.member()
    own, _ = made(ada, scopes=["fhir"])
    alone = orders.request(
        subject={"reference": f"Patient/{backend.account(ada.email).id}"},
        supportingInfo=[{"reference": "#m"}],
        contained=[orders.media(id="m")],
        **performer(backend, "e-mail"),
    )
    answer = own.call(
        "POST", "/fhir/ServiceRequest", json=alone, headers={"Prefer": "return=OperationOutcome"}
    )
    assert answer.status_code == 201, answer.text
    assert "this key may not choose" in answer.text
