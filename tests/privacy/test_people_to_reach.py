"""Who deletes an account or a finding before all of it was settled can be reached by the doctor."""

from typing import Any

import pytest

from skinapi.model.conditions import Band
from skinapi.platform.storage.ids import now
from tests.care.clinic import file_for, judge_anew, patient_of
from tests.care.conversation import Talk
from tests.support.backends import PASSWORD, Backend, Person

TOLD = {"outcome": "told"}
AWAITED = {"certainty": "sure", "histology": "awaited", "told_by": "nobody"}


def sign(doctor: Person, number: int, label: str = "melanoma", **more: Any) -> None:
    body = {"label": label, "certainty": "sure", "told_by": "nobody", **more}
    answer = doctor.call("POST", f"/submissions/{number}/review", json=body)
    assert answer.status_code == 201, answer.text


def file_one(backend: Backend, patient: Person, band: Band = Band.URGENT_REFERRAL) -> int:
    return file_for(backend, patient, band).number


def to_reach(reader: Person) -> list[tuple[int, str]]:
    people = reader.call("GET", "/people-to-reach").get_json()
    return [(item["number"], item["why"]) for person in people for item in person["findings"]]


def leave(patient: Person) -> None:
    answer = patient.call("DELETE", "/me", json={"current_password": PASSWORD})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("whole", [False, True], ids=["a finding", "the account"])
def test_a_decision_that_was_not_read_and_an_awaited_result_are_told_to_the_doctor(
    real_backend: Backend, whole: bool
) -> None:
    grey = real_backend.member(role="doctor")
    ada = patient_of(real_backend, grey)
    unread, awaited, read, mole = (file_one(real_backend, ada) for _ in range(4))
    for number in (unread, read):
        sign(grey, number)
    sign(grey, awaited, **AWAITED)
    sign(grey, mole, "melanocytic_nevus", urgency="self_monitoring", downgrade_confirmed=True)
    for number in (awaited, read):
        assert ada.call("GET", f"/submissions/{number}").status_code == 200
    shown = ada.call("GET", "/me/deletion").get_json()
    assert shown["unsettled"] == {"awaited": 1, "unopened": 1}
    if whole:
        leave(ada)
    else:
        for number in (unread, awaited, read, mole):
            assert ada.call("DELETE", f"/submissions/{number}").status_code == 200
    # Who deletes one finding stays a patient, whom the doctor expects.
    expected = [
        (unread, "unopened"),
        (awaited, "awaited"),
        *([] if whole else [(read, "discarded")]),
    ]
    assert to_reach(grey) == expected
    [person] = grey.call("GET", "/people-to-reach").get_json()
    assert all(item["suspected"] for item in person["findings"])


def test_a_sample_beside_an_older_result_is_awaited_too(backend: Backend) -> None:
    grey = backend.member(role="doctor")
    ada = patient_of(backend, grey)
    number = file_one(backend, ada)
    sign(grey, number, histology="confirmed")
    sign(grey, number, **AWAITED)
    assert ada.call("GET", f"/submissions/{number}").status_code == 200
    leave(ada)
    assert to_reach(grey) == [(number, "awaited")]


def test_each_reason_is_said_of_a_held_cancer_whose_sample_is_at_the_laboratory(
    real_backend: Backend,
) -> None:
    grey = real_backend.member(role="doctor")
    ada = patient_of(real_backend, grey)
    held, unread = (file_one(real_backend, ada) for _ in "12")
    sign(grey, held, **{**AWAITED, "told_by": "doctor"})
    sign(grey, unread, **AWAITED)
    leave(ada)
    [person] = grey.call("GET", "/people-to-reach").get_json()
    reasons = [(item["why"], item.get("also")) for item in person["findings"]]
    assert reasons == [("held", ["awaited"]), ("awaited", ["unopened"])]


def test_who_took_the_sample_reaches_the_person_though_another_doctor_is_in_charge(
    backend: Backend,
) -> None:
    grey, weber = (backend.member(role="doctor") for _ in "12")
    ada, other = patient_of(backend, grey), backend.member(role="doctor")
    number = file_one(backend, ada)
    sign(grey, number, **AWAITED)
    backend.services.decisions.assign_doctor(email=ada.email, doctor=weber.email, by="-")
    leave(ada)
    assert to_reach(grey) == to_reach(weber) == [(number, "awaited")]
    assert to_reach(other) == []
    [person] = grey.call("GET", "/people-to-reach").get_json()
    assert grey.call("POST", f"/people-to-reach/{person['_id']}/done", json=TOLD).status_code == 200
    assert to_reach(weber) == []


def test_a_question_after_a_suspected_melanoma_is_not_lost_with_the_account(
    backend: Backend,
) -> None:
    talk = Talk(backend)
    number = file_one(backend, talk.ada)
    sign(talk.grey, number)
    assert talk.ada.call("GET", f"/submissions/{number}").status_code == 200
    assert talk.ada.call("GET", "/me/deletion").get_json()["unsettled"] == {}
    talk.sent(talk.ada, "When can I come? I am afraid.")
    assert talk.ada.call("GET", "/me/deletion").get_json()["unsettled"] == {"unanswered": 1}
    leave(talk.ada)
    assert to_reach(talk.grey) == [(number, "unanswered")]


def test_the_owner_reads_of_a_held_decision_what_was_there_before_it(backend: Backend) -> None:
    """And an admin, who is to know whom to reach, in numbers alone."""
    grey, admin = backend.member(role="doctor"), backend.member(role="admin")
    ada = patient_of(backend, grey)
    numbers = [file_one(backend, ada), file_one(backend, ada, Band.ROUTINE)]
    before = ada.call("GET", "/me/deletion").get_json()["unsettled"]
    for number in numbers:
        sign(grey, number, told_by="doctor")
    assert ada.call("GET", "/me/deletion").get_json()["unsettled"] == before == {"unreviewed": 1}
    shown = admin.call("GET", f"/users/{ada.email}/deletion").get_json()
    assert (shown["unsettled"], shown["doctor"]) == ({"held": 2}, backend.account(grey.email).name)
    assert shown["erased"]["findings"] == 2
    assert "melanoma" not in str(shown)


def test_an_urgent_version_that_no_doctor_has_answered_counts_as_not_reviewed(
    backend: Backend,
) -> None:
    grey = backend.member(role="doctor")
    ada = patient_of(backend, grey)
    number = file_one(backend, ada, Band.ROUTINE)
    sign(grey, number, "melanocytic_nevus", urgency="self_monitoring")
    assert ada.call("GET", f"/submissions/{number}").status_code == 200
    judge_anew(backend, number, Band.URGENT_REFERRAL)
    assert ada.call("DELETE", f"/submissions/{number}").status_code == 200
    assert to_reach(grey) == [(number, "unreviewed")]


@pytest.mark.parametrize("role", ["user", "doctor"])
def test_a_client_that_sends_the_admins_password_is_refused_a_wrong_one(
    backend: Backend, role: str
) -> None:
    """One that sends none, as those that were there before, deletes as ever."""
    admin = backend.member(role="admin")
    first, second = (backend.member(role=role) for _ in "12")
    path = "/doctors" if role == "doctor" else "/users"
    for password, status in (("not it", 403), ("", 400), (PASSWORD, 200)):
        body = {"current_password": password}
        assert admin.call("DELETE", f"{path}/{first.email}", json=body).status_code == status
    assert admin.call("DELETE", f"{path}/{second.email}").status_code == 200


@pytest.mark.parametrize(
    ("change", "urgency"),
    [
        ({"$unset": {"created_at": True}}, "referral"),
        ({"$set": {"band": "nonsense"}}, "urgent_referral"),
    ],
    ids=["its time", "its band"],
)
@pytest.mark.parametrize("own", [True, False], ids=["the own account", "by an admin"])
def test_who_has_a_finding_that_cannot_be_read_is_reached_after_the_account_is_erased(
    real_backend: Backend, change: dict[str, Any], urgency: str, own: bool
) -> None:
    grey, admin = real_backend.member(role="doctor"), real_backend.admin()
    ada = patient_of(real_backend, grey)
    account = real_backend.account(ada.email).id
    broken = file_for(real_backend, ada, Band.REFERRAL)
    store = real_backend.services.store
    rows = store.collection("submissions")
    [whole] = rows.find({"id": broken.id})
    assert rows.update({"id": broken.id}, change)
    assert ada.call("GET", "/me/deletion").get_json()["unsettled"] == {"unreadable": 1}
    path = f"/users/{ada.email}"
    assert admin.call("GET", f"{path}/deletion").get_json()["unsettled"] == {"unreadable": 1}
    failed = real_backend.services.data.failed_items
    assert [(item.work, item.item) for item in failed.list_some()] == [
        ("record", f"submissions/{broken.id}")
    ]
    if own:
        leave(ada)
    else:
        assert admin.call("DELETE", path).status_code == 200
    assert to_reach(grey) == [(broken.number, "unreadable")]
    [person] = grey.call("GET", "/people-to-reach").get_json()
    assert person["findings"][0]["urgency"] == urgency
    real_backend.services.eraser.resume()
    assert ("account_erasure", account) in [(item.work, item.item) for item in failed.list_some()]
    rows.delete({"id": broken.id})
    rows.insert(whole)
    store.collection("failed_items").update({"item": account}, {"$set": {"due_at": now()}})
    real_backend.services.erasure.finish_begun()
    assert real_backend.services.data.accounts.find_by_id(account) is None
    assert to_reach(grey) == [(broken.number, "unreadable")]
    assert failed.list_some() == []


def test_a_finding_whose_review_cannot_be_read_counts_as_open(real_backend: Backend) -> None:
    grey = real_backend.member(role="doctor")
    ada = patient_of(real_backend, grey)
    number = file_one(real_backend, ada)
    sign(grey, number)
    rows = real_backend.services.store.collection("reviews")
    assert rows.update({}, {"$unset": {"opinion": True}})
    assert ada.call("GET", "/me/deletion").get_json()["unsettled"] == {"unreadable": 1}
    leave(ada)
    assert to_reach(grey) == [(number, "unreadable")]


@pytest.mark.parametrize("whole", [False, True], ids=["a finding", "the account"])
def test_a_referral_that_nobody_has_reviewed_is_open_and_a_routine_finding_is_not(
    backend: Backend, whole: bool
) -> None:
    grey = backend.member(role="doctor")
    ada = patient_of(backend, grey)
    numbers = [file_one(backend, ada, band) for band in (Band.REFERRAL, Band.DOCTOR_REVIEW)]
    assert ada.call("GET", "/me/deletion").get_json()["unsettled"] == {"unreviewed": 1}
    if whole:
        leave(ada)
    else:
        for number in numbers:
            assert ada.call("DELETE", f"/submissions/{number}").status_code == 200
    assert to_reach(grey) == [(numbers[0], "unreviewed")]
