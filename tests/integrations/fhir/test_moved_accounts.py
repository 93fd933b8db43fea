from tests.integrations.fhir import orders
from tests.integrations.test_keys import clinic_wide
from tests.privacy.test_moving_accounts import WAITS, get, move_all
from tests.support.backends import Backend, erase


@WAITS
def test_a_health_record_finds_the_other_account_by_either_number(backend: Backend) -> None:
    root, hospital = backend.member(role="admin"), clinic_wide(backend, scopes=["fhir"])
    for order, number in (("O-1", "A"), ("O-2", "B")):
        hospital.call_ok(
            "POST", "/fhir/ServiceRequest", json=orders.contained(order, number=number), status=201
        )
    asked = f"/fhir/Patient?identifier={orders.HOSPITAL}|"
    old, ada = (get(hospital, asked + item)["entry"][0]["resource"]["id"] for item in "AB")
    addresses = {item["_id"]: item["email"] for item in get(root, "/accounts?role=user")}
    before = get(hospital, "/fhir/DiagnosticReport")["entry"][0]["resource"]["meta"]
    for _ in range(2):
        assert move_all(root, addresses[old], addresses[ada]).status_code == 200
    stays = get(hospital, f"/fhir/Patient/{ada}")
    assert (stays["active"], stays.get("link")) == (True, None)
    for erased in (False, True):
        if erased:
            erase(backend.services, backend.account(addresses[old]))
        moved = get(hospital, f"/fhir/Patient/{old}")
        assert (moved["id"], moved["active"]) == (old, False)
        assert moved["link"] == [{"other": {"reference": f"Patient/{ada}"}, "type": "replaced-by"}]
        for item in "AB":
            assert get(hospital, asked + item)["entry"][0]["resource"]["id"] == ada
        for item in (old, ada):
            found = get(hospital, f"/fhir/DiagnosticReport?patient={item}")["entry"]
            subjects = {entry["resource"]["subject"]["reference"] for entry in found}
            assert (len(found), subjects) == (2, {f"Patient/{ada}"})
    changed = {entry["resource"]["meta"]["lastUpdated"] for entry in found}
    assert max(changed) > before["lastUpdated"]
    for number, order in (("A", "O-3"), ("B", "O-4")):
        hospital.call("POST", "/fhir/ServiceRequest", json=orders.contained(order, number=number))
    assert len(get(hospital, f"/fhir/DiagnosticReport?patient={ada}")["entry"]) == 4
    assert [item["email"] for item in get(root, "/accounts?role=user")] == [addresses[ada]]


@WAITS
def test_an_order_for_an_emptied_account_does_not_open_it(backend: Backend) -> None:
    root, hospital = backend.member(role="admin"), clinic_wide(backend, scopes=["fhir"])
    ada = backend.member()
    order = orders.contained("O-1", number="A")
    hospital.call_ok("POST", "/fhir/ServiceRequest", json=order, status=201)
    [external] = [item for item in get(root, "/accounts?role=user") if item["email"] != ada.email]
    assert move_all(root, external["email"], ada.email).status_code == 200
    order = orders.contained("O-2", number="A")
    hospital.call_ok("POST", "/fhir/ServiceRequest", json=order, status=201)
    assert backend.account(external["email"]).status == "closed"
    assert len(get(ada, "/submissions")) == 2
