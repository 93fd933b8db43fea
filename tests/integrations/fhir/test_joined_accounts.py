"""A health record learns which of two accounts stays."""

from tests.integrations.fhir import orders
from tests.integrations.test_keys import clinic_wide
from tests.privacy.test_joining import get, join
from tests.support.backends import Backend


def test_a_health_record_learns_who_stays_and_finds_by_either_number(backend: Backend) -> None:
    root, hospital = backend.member(role="admin"), clinic_wide(backend, scopes=["fhir"])
    for order, number in (("O-1", "A"), ("O-2", "B")):
        hospital.call_ok(
            "POST", "/fhir/ServiceRequest", json=orders.contained(order, number=number), status=201
        )
    asked = f"/fhir/Patient?identifier={orders.HOSPITAL}|"
    old, ada = (get(hospital, asked + item)["entry"][0]["resource"]["id"] for item in "AB")
    addresses = {item["_id"]: item["email"] for item in get(root, "/accounts?role=user")}
    before = get(hospital, "/fhir/DiagnosticReport")["entry"][0]["resource"]["meta"]
    assert join(root, addresses[old], addresses[ada]).status_code == 200
    gone, stays = (get(hospital, f"/fhir/Patient/{item}") for item in (old, ada))
    assert (gone["active"], stays["active"]) == (False, True)
    assert gone["link"] == [{"other": {"reference": f"Patient/{ada}"}, "type": "replaced-by"}]
    assert stays["link"] == [{"other": {"reference": f"Patient/{old}"}, "type": "replaces"}]
    for item in "AB":
        assert get(hospital, asked + item)["entry"][0]["resource"]["id"] == ada
    for item in (old, ada):
        found = get(hospital, f"/fhir/DiagnosticReport?patient={item}")["entry"]
        subjects = {entry["resource"]["subject"]["reference"] for entry in found}
        assert (len(found), subjects) == (2, {f"Patient/{ada}"})
    changed = {entry["resource"]["meta"]["lastUpdated"] for entry in found}
    assert max(changed) > before["lastUpdated"]
    assert root.call("DELETE", f"/users/{addresses[old]}").get_json()["code"] == "goes_with_other"
    for number, order in (("A", "O-3"), ("B", "O-4")):
        hospital.call("POST", "/fhir/ServiceRequest", json=orders.contained(order, number=number))
    assert len(get(hospital, f"/fhir/DiagnosticReport?patient={ada}")["entry"]) == 4
    assert len(get(root, "/accounts?role=user")) == 2
