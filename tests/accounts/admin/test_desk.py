import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from skinapi.platform.storage.ids import first_id_at, now
from tests.care.clinic import ROUTINE, URGENT, file_for
from tests.findings.prediction.photographer import predicted
from tests.support.backends import PASSWORD, Backend, Person
from tests.support.reviews import signed_review


def test_approving_never_lowers(backend: Backend) -> None:
    admin = backend.member(role="admin")
    for role in ("admin", "doctor", "researcher"):
        email = backend.member(role=role).email
        for wanted in (None, "user", *(["doctor"] if role != "doctor" else [])):
            admin.call("PATCH", f"/users/{email}/approve", json={"role": wanted})
            assert backend.account(email).role == role


def test_the_last_admin_stays_even_against_its_own_will(backend: Backend) -> None:
    admin = backend.member("root@example.org", role="admin")
    backend.member("other@example.org", role="admin", status="suspended")
    for method, deed, body in (
        ("DELETE", "", None),
        ("PUT", "/role", {"role": "user"}),
        ("PUT", "/role", {"role": "doctor"}),
        ("PATCH", "/suspend", None),
    ):
        refused = admin.call(method, f"/users/root@example.org{deed}", json=body)
        assert (refused.status_code, refused.get_json()["code"]) == (409, "last_admin")
        assert admin.call("GET", "/users").status_code == 200


def test_an_initial_password_opens_the_password_page_alone(backend: Backend) -> None:
    person = backend.member(role="admin", initial_password_expires_at=now() + timedelta(days=1))
    routes = [
        *(("GET", path) for path in ("/me", "/users", "/accounts", "/audit", "/metrics")),
        ("PUT", "/me/password"),
        ("PATCH", "/me"),
        ("POST", "/doctors"),
        ("POST", "/auth/logout"),
    ]
    opened = {
        (method, path)
        for method, path in routes
        if person.call(method, path, json={}).status_code not in (401, 403)
    }
    assert opened == {("GET", "/me"), ("PUT", "/me/password"), ("POST", "/auth/logout")}


def test_an_initial_password_works_once_and_only_to_be_replaced(backend: Backend) -> None:
    again = {"email": "ada@example.org", "password": "an initial password"}
    admin = backend.member(role="admin")
    admin.call_ok("POST", "/doctors", json={"name": "Dr Ada", **again}, status=201)
    refused = backend.client.post("/login", json=again).get_json()
    assert refused["code"] == "password_change_required"

    def replace(current: str, new: str) -> int:
        sent = {"email": "ada@example.org", "current_password": current, "new_password": new}
        return backend.client.post("/password", json=sent).status_code

    assert replace(again["password"], again["password"]) == 400
    assert replace("not it", PASSWORD) == 401
    assert replace(again["password"], PASSWORD) == 200
    assert backend.client.post("/login", json=again).status_code == 401
    assert backend.log_in("ada@example.org").call("GET", "/me").status_code == 200


def test_a_patient_is_in_one_doctors_care_until_the_doctor_goes(backend: Backend) -> None:
    patient = backend.member("ada@example.org")
    backend.member("grey@example.org", role="doctor")
    admin = backend.member(role="admin")

    def assign(doctor: str | None) -> int:
        body = {"doctor": doctor}
        return admin.call("PUT", "/users/ada@example.org/doctor", json=body).status_code

    def doctor_of_patient() -> object:
        return patient.call("GET", "/me").get_json()["doctor"]

    assert (assign("Grey@example.org "), doctor_of_patient()) == (200, "grey@example.org")
    assert (assign(None), doctor_of_patient()) == (200, None)
    assert assign("ada@example.org") == 404  # no doctor
    own = {"doctor": "grey@example.org"}
    assert admin.call("PUT", "/users/grey@example.org/doctor", json=own).status_code == 409
    assert assign("no@example.org") == 404
    assign("grey@example.org")
    admin.call("DELETE", "/doctors/grey@example.org")
    assert doctor_of_patient() is None


def test_making_an_admin_with_another_password_replaces_it(backend: Backend) -> None:
    admin = backend.admin("root@example.org")
    backend.services.admin.ensure_admin(email="root@example.org", password="another horse")
    assert admin.call("GET", "/me").status_code == 401
    assert (
        backend.log_in("root@example.org", "another horse").call("GET", "/users").status_code == 200
    )


def test_who_registered_an_address_beforehand_is_not_admin_when_it_becomes_one(
    backend: Backend,
) -> None:
    thief = backend.register("root@example.org")
    account, one_time = backend.services.admin.ensure_admin(email="root@example.org", password=None)
    assert one_time
    assert (account.role, account.approved, account.must_change) == ("admin", True, True)
    assert thief.call("GET", "/me").status_code == 401
    answer = backend.client.post("/login", json={"email": thief.email, "password": PASSWORD})
    assert answer.status_code == 401


def test_a_suspended_admin_comes_back_under_a_new_password_alone(backend: Backend) -> None:
    backend.member("ada@example.org", role="admin", status="suspended")
    _, one_time = backend.services.admin.ensure_admin(email="ada@example.org", password=None)
    login = {"email": "ada@example.org", "password": PASSWORD}
    assert one_time
    assert backend.client.post("/login", json=login).status_code == 401
    login["password"] = one_time
    assert (
        backend.client.post("/login", json=login).get_json()["code"] == "password_change_required"
    )


PROMOTIONS = [
    ("PUT", "/users/{}/role", {"role": "doctor"}),
    ("PATCH", "/users/{}/approve", {"role": "doctor"}),
]


def patient_of(backend: Backend, doctor: Person) -> Person:
    return backend.member(doctor_id=backend.account(doctor.email).id)


@pytest.mark.parametrize(("method", "path", "body"), PROMOTIONS)
def test_a_patient_who_becomes_a_doctor_stays_in_the_doctors_care(
    backend: Backend, method: str, path: str, body: object
) -> None:
    doctor, admin = backend.member(role="doctor"), backend.member(role="admin")
    patient = patient_of(backend, doctor)
    number = predicted(patient, keep_photo="true")["id"]
    assert admin.call(method, path.format(patient.email), json=body).status_code == 200
    assert backend.account(patient.email).doctor_id == backend.account(doctor.email).id
    assert doctor.call("GET", f"/submissions/{number}/photo").status_code == 200
    assert [item["id"] for item in doctor.pages("/queue?reviewed=false")] == [number]


def test_the_list_says_what_waits_of_each_account(any_backend: Backend) -> None:
    doctor, admin = any_backend.member(role="doctor"), any_backend.member(role="admin")
    patient, calm = patient_of(any_backend, doctor), any_backend.member()
    for band in (URGENT, ROUTINE):
        file_for(any_backend, patient, band)
    rows = {row["email"]: row for row in admin.call("GET", "/accounts").get_json()}
    by_kind = {"review": 2, "visit": 1}
    two = {"findings": 2, "urgent": 1, "by_kind": by_kind}
    assert (rows[patient.email]["waiting"], rows[doctor.email]["in_care"]) == (two, two)
    assert not {"waiting", "in_care"} & {*rows[calm.email], *rows[admin.email]}


def test_the_list_of_patients_without_a_doctor_has_no_others(any_backend: Backend) -> None:
    """Patients of a former doctor, and staff with photos of their own, are listed too."""
    active, gone, lost = (any_backend.member(role="doctor") for _ in "123")
    admin = any_backend.member(role="admin")
    patient_of(any_backend, active)
    any_backend.member(role="researcher")
    any_backend.member(status="waiting")
    refused = any_backend.member(status="waiting")
    body = {"accounts": [any_backend.account(refused.email).id], "reason": "wrong_role"}
    admin.call("POST", "/accounts/refusals", json=body)
    wanted = [patient_of(any_backend, gone), any_backend.member(), patient_of(any_backend, lost)]
    for status in ("waiting", "suspended"):
        wanted.append(any_backend.member(status=status))
        file_for(any_backend, wanted[-1], ROUTINE)
    own = any_backend.member(role="doctor")
    file_for(any_backend, own, ROUTINE)
    admin.call("PATCH", f"/users/{gone.email}/suspend")
    admin.call("PUT", f"/users/{lost.email}/role", json={"role": "user"})
    emails = sorted([*(item.email for item in wanted), lost.email])

    def listed(**query: str) -> list[str]:
        more = "".join(f"&{name}={value}" for name, value in query.items())
        return sorted(row["email"] for row in admin.pages(f"/accounts?status=unassigned{more}"))

    assert listed(role="user") == emails
    assert listed() == listed(limit="1") == sorted([*emails, own.email])
    assert listed(role="doctor") == [own.email]
    assert listed(q=wanted[0].email[:6]) == [wanted[0].email]


def test_a_suspended_doctor_keeps_the_patients_and_gets_no_new_ones(backend: Backend) -> None:
    doctor, admin = backend.member(role="doctor"), backend.member(role="admin")
    kept, other = patient_of(backend, doctor), backend.member()
    admin.call("PATCH", f"/users/{doctor.email}/suspend")
    answer = admin.call("PUT", f"/users/{other.email}/doctor", json={"doctor": doctor.email})
    assert answer.status_code == 409
    assert "is not approved" in answer.get_json()["error"]
    assert doctor.call("GET", "/submissions").status_code == 401
    admin.call("PATCH", f"/users/{doctor.email}/approve", json={})
    assert backend.account(kept.email).doctor_id == backend.account(doctor.email).id
    admin.call_ok("PUT", f"/users/{other.email}/doctor", json={"doctor": doctor.email})


DAY = datetime(2026, 3, 1, tzinfo=UTC)


def write(backend: Backend, *moments: datetime, **fields: Any) -> None:
    rows = backend.services.store.collection("audit")
    for number, moment in enumerate(moments):
        row = {
            "id": f"{int(first_id_at(moment), 16) + number:032x}",
            "created_at": moment,
            "schema": 1,
            "action": "photo.read",
            "phase": "outcome",
            "outcome": "done",
            "by": "system",
            "target": "7",
            "sequence": -number - 1,
        }
        rows.insert({**row, **fields})


def rows_in(file: TestResponse) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(file.data.decode("utf-8-sig"), newline="")))


def times(admin: Person, **query: str) -> list[str]:
    pages = admin.pages("/audit?" + "&".join(f"{name}={value}" for name, value in query.items()))
    return [row["created_at"][:10] for row in pages if row["action"] == "photo.read"]


def test_rows_are_found_by_time_with_and_without_the_other_filters(backend: Backend) -> None:
    admin = backend.member(role="admin")
    who = backend.account(admin.email).id
    write(backend, *(DAY + timedelta(days=number) for number in range(4)), by=who)
    span = {"since": "2026-03-02T00:00:00Z", "until": "2026-03-04T00:00:00Z", "limit": "1"}
    wanted = ["2026-03-03", "2026-03-02"]
    assert times(admin, **span) == wanted
    assert times(admin, **span, action="photo.read") == wanted
    assert times(admin, **span, account=who) == wanted
    assert times(admin, **span, account=who, action="photo.read") == wanted
    assert times(admin, since="2026-03-04T01:00:00%2B01:00", action="photo.read") == ["2026-03-04"]
    assert times(admin, until="2026-03-01T00:00:00Z") == []


def test_what_is_done_about_a_patient_is_found_by_the_patient(backend: Backend) -> None:
    """This includes a doctor's review of her finding, whose row targets neither person."""
    admin = backend.member(role="admin")
    doctor = backend.member(role="doctor")
    ada, eve = (backend.member(doctor_id=backend.account(doctor.email).id) for _ in "12")
    hers, other = (predicted(person)["id"] for person in (ada, eve))
    said = {"label": "melanoma", "certainty": "sure"}
    for number in (hers, other):
        signed_review(doctor, number, said)
    account = backend.account(ada.email)
    rows = admin.pages(f"/audit?account={account.id}&action=review.create")
    assert [(row["finding"], row["by_email"], row["owner_name"]) for row in rows] == [
        (hers, doctor.email, account.name)
    ]
    found = {row["action"] for row in admin.pages(f"/audit?account={account.id}")}
    assert found >= {"review.create", "submission.create"}
    assert list(backend.services.data.trail.check_integrity()) == []
    span = f"account={account.id}&since=2026-01-01T00:00:00Z&until=2100-01-01T00:00:00Z"
    assert len(admin.pages(f"/audit?{span}&action=review.create")) == 1
    assert len(admin.pages(f"/audit?{span}&limit=1")) >= 2
    several = f"/audit?account={account.id}&action=review.create,submission.create,letter.sign"
    acts = [row["action"] for row in admin.pages(f"{several}&limit=1")]
    assert acts == ["review.create", "submission.create"]
    refused = admin.call("GET", "/audit?action=review.create,")
    assert refused.status_code == 400


def test_who_is_put_in_charge_is_said_with_the_patient(backend: Backend) -> None:
    admin, doctor = backend.member(role="admin"), backend.member(role="doctor")
    ada = backend.member()
    body = {"doctor": doctor.email}
    assert admin.call("PUT", f"/users/{ada.email}/doctor", json=body).status_code == 200
    [row] = admin.pages("/audit?action=doctor.assign")
    assert (row["target_email"], row["owner_email"]) == (doctor.email, ada.email)


def test_no_cell_of_the_file_is_a_formula(backend: Backend) -> None:
    admin = backend.member(role="admin")
    texts = [f'{begins}HYPERLINK("http://evil.example"), "quoted"\nend' for begins in "=+-@\t\r\n"]
    for number, text in enumerate(texts):
        write(backend, DAY + timedelta(days=number), detail=text, sequence=-number - 1)
    answer = admin.call("GET", "/audit/export?action=photo.read")
    assert answer.mimetype == "text/csv"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="audit.csv"'
    rows = rows_in(answer)
    assert [row["detail"] for row in reversed(rows)] == [f"'{text}" for text in texts]
    assert (rows[0]["action"], rows[0]["by"], rows[0]["by_email"]) == ("photo.read", "system", "")
    cells = [cell for row in rows for cell in row.values()]
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells)
