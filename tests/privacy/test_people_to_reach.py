"""A doctor can reach a person whose account was erased while something waited for them."""

from typing import Any

import pytest

from skinapi.model.conditions import Band
from skinapi.platform.notices.outbox import Kind
from skinapi.platform.storage.ids import now
from tests.care.clinic import file_for, patient_in_care, patient_of
from tests.care.conversation import Talk
from tests.integrations.test_keys import made
from tests.support.backends import MAIL, PASSWORD, Backend, Person
from tests.support.reviews import signed_review
from tests.use_cases.use_case import notices_to

TOLD = {"outcome": "told"}
AWAITED = {"sample": "waiting"}
NEVUS: dict[str, Any] = {"label": "melanocytic_nevus", "urgency": "self_monitoring"}
Spots = list[tuple[int | None, str | None, list[str]]]


@pytest.fixture
def given() -> dict[str, Any]:
    return MAIL


def sign(doctor: Person, number: int, label: str | None = "melanoma", **more: Any) -> None:
    body = {"label": label, "certainty": "sure", **more}
    signed_review(doctor, number, body)


def file_one(backend: Backend, patient: Person, band: Band = Band.URGENT_REFERRAL) -> int:
    return file_for(backend, patient, band).number


def to_reach(reader: Person) -> Spots:
    people = reader.call("GET", "/people-to-reach").get_json()
    return [
        (spot["number"], spot["urgency"], spot["waits_for"])
        for person in people
        for spot in person["spots"]
    ]


def unsettled(patient: Person) -> dict[str, int]:
    counts: dict[str, int] = patient.call("GET", "/me/deletion").get_json()["unsettled"]
    return counts


def leave(patient: Person) -> None:
    patient.call_ok("DELETE", "/me", json={"current_password": PASSWORD})


def test_an_erased_account_leaves_what_each_spot_waited_for(backend: Backend) -> None:
    grey, ada = patient_in_care(backend)
    unseen, unread, awaited, read, mole = (file_one(backend, ada) for _ in range(5))
    for number in (unread, read):
        sign(grey, number)
    sign(grey, awaited, **AWAITED)
    sign(grey, mole, **NEVUS)
    for number in (awaited, read):
        assert ada.call("GET", f"/submissions/{number}").status_code == 200
    assert unsettled(ada) == {"review": 1, "result": 1, "telling": 1}
    leave(ada)
    assert to_reach(grey) == [
        (unseen, "urgent_referral", ["review"]),
        (unread, "urgent_referral", ["telling"]),
        (awaited, "urgent_referral", ["result"]),
    ]
    assert notices_to(backend, backend.account(grey.email).id)[-1] == Kind.TO_REACH


def test_an_open_spot_is_noted_only_if_it_is_urgent(backend: Backend) -> None:
    grey, ada = patient_in_care(backend)
    referral, _ = (file_one(backend, ada, band) for band in (Band.REFERRAL, Band.DOCTOR_REVIEW))
    leave(ada)
    assert to_reach(grey) == [(referral, "referral", ["review"])]


def test_what_is_left_of_a_deleted_finding_is_noted(backend: Backend) -> None:
    grey, ada = patient_in_care(backend)
    number = file_one(backend, ada)
    assert ada.call("DELETE", f"/submissions/{number}").status_code == 200
    assert to_reach(grey) == [], "the account is there, and its spot waits for a review"
    leave(ada)
    assert to_reach(grey) == [(number, "urgent_referral", ["review"])]


@pytest.mark.parametrize("about_a_spot", [True, False])
def test_a_message_without_an_answer_is_noted(backend: Backend, about_a_spot: bool) -> None:
    talk = Talk(backend, about_a_spot=about_a_spot)
    number = file_for(backend, talk.ada, Band.ROUTINE, lesion=talk.lesion).number
    sign(talk.grey, number, **NEVUS)
    talk.sent(talk.ada, "It bleeds since yesterday and has doubled.")
    assert unsettled(talk.ada) == {"answer": 1}
    leave(talk.ada)
    expected = (number, "self_monitoring") if about_a_spot else (None, None)
    assert to_reach(talk.grey) == [(*expected, ["answer"])]


@pytest.mark.parametrize("emptied", ["deleted", "moved"])
def test_a_message_about_a_spot_without_findings_is_noted(backend: Backend, emptied: str) -> None:
    talk = Talk(backend)
    number = file_for(backend, talk.ada, Band.ROUTINE, lesion=talk.lesion).number
    talk.sent(talk.ada, "It bleeds since yesterday and has doubled.")
    if emptied == "deleted":
        assert talk.ada.call("DELETE", f"/lesions/{talk.lesion}").status_code == 200
    else:
        path, body = f"/submissions/{number}/lesion", {"lesion": talk.begin()}
        assert talk.ada.call("PUT", path, json=body).status_code == 200
    leave(talk.ada)
    assert to_reach(talk.grey) == [(None, None, ["answer"])]


def test_an_admin_reads_in_numbers_alone_what_is_open(backend: Backend) -> None:
    grey, admin = backend.member(role="doctor"), backend.member(role="admin")
    ada = patient_of(backend, grey)
    for band in (Band.URGENT_REFERRAL, Band.ROUTINE):
        sign(grey, file_one(backend, ada, band))
    shown = admin.call("GET", f"/users/{ada.email}/deletion").get_json()
    assert (shown["unsettled"], shown["doctor"]) == (
        {"telling": 2},
        backend.account(grey.email).name,
    )
    assert shown["erased"]["findings"] == 2
    assert "melanoma" not in str(shown)


@pytest.mark.parametrize("role", ["user", "doctor"])
def test_an_admin_deletes_with_the_right_password_or_none(backend: Backend, role: str) -> None:
    """Older clients send no password."""
    admin = backend.member(role="admin")
    first, second = (backend.member(role=role) for _ in "12")
    path = "/doctors" if role == "doctor" else "/users"
    for password, status in (("not it", 403), ("", 400), (PASSWORD, 200)):
        body = {"current_password": password}
        assert admin.call("DELETE", f"{path}/{first.email}", json=body).status_code == status
    assert admin.call("DELETE", f"{path}/{second.email}").status_code == 200


@pytest.mark.parametrize("own", [True, False], ids=["the own account", "by an admin"])
def test_a_spot_that_cannot_be_read_is_noted_as_urgent(backend: Backend, own: bool) -> None:
    """The account is erased once it can be read."""
    grey, admin = backend.member(role="doctor"), backend.admin()
    ada = patient_of(backend, grey)
    account = backend.account(ada.email).id
    broken = file_for(backend, ada, Band.ROUTINE)
    store = backend.services.store
    rows = store.collection("submissions")
    [whole] = rows.find({"id": broken.id})
    assert rows.update({"id": broken.id}, {"$set": {"band": "nonsense"}})
    path = f"/users/{ada.email}"
    assert unsettled(ada) == {"review": 1}
    assert admin.call("GET", f"{path}/deletion").get_json()["unsettled"] == {"review": 1}
    failed = backend.services.data.failed_items
    assert [(item.work, item.item) for item in failed.walk_all()] == [("submissions", broken.id)]
    if own:
        leave(ada)
    else:
        assert admin.call("DELETE", path).status_code == 200
    noted: Spots = [(None, "urgent_referral", ["review"])]
    assert to_reach(grey) == noted
    backend.services.eraser.resume()
    assert ("account_erasure", account) in [(item.work, item.item) for item in failed.walk_all()]
    rows.delete({"id": broken.id})
    rows.insert(whole)
    store.collection("failed_items").update({"item": account}, {"$set": {"due_at": now()}})
    backend.services.erasure.finish_begun()
    assert backend.services.data.accounts.find_by_id(account) is None
    assert to_reach(grey) == noted
    assert [*failed.walk_all()] == []


@pytest.mark.parametrize("assigned", [True, False])
def test_the_doctor_in_charge_alone_sees_the_entry_while_active(
    backend: Backend, assigned: bool
) -> None:
    grey, other = (backend.member(role="doctor") for _ in "12")
    admin = backend.member(role="admin")
    ada = patient_of(backend, grey) if assigned else backend.member()
    number = file_one(backend, ada)
    leave(ada)
    noted: Spots = [(number, "urgent_referral", ["review"])]
    others = [] if assigned else noted
    assert (to_reach(grey), to_reach(other), to_reach(admin)) == (noted, others, others)
    key = made(grey, scopes=["findings:read"])[0]
    assert key.call("GET", "/people-to-reach").status_code == 403
    path = f"/users/{grey.email}/suspend"
    assert admin.call("PATCH", path, json={}).status_code == 200
    assert to_reach(other) == to_reach(admin) == noted


def test_nobody_sees_the_own_entry(backend: Backend) -> None:
    admin = backend.member(role="admin")
    ada = backend.member()
    file_one(backend, ada)
    leave(ada)
    backend.services.erasure.finish_begun()
    anew = backend.member(ada.email)
    role = {"role": "doctor"}
    assert admin.call("PUT", f"/users/{anew.email}/role", json=role).status_code == 200
    anew = backend.log_in(anew.email)
    [person] = admin.call("GET", "/people-to-reach").get_json()
    assert to_reach(anew) == []
    path = f"/people-to-reach/{person['_id']}/done"
    assert anew.call("POST", path, json=TOLD).status_code == 404
    assert admin.call("POST", path, json=TOLD).status_code == 200
    assert to_reach(admin) == []
