"""Who deletes an account or a finding before all of it was settled can be reached by the doctor."""

from typing import Any

import pytest

from skinapi.model.conditions import Band
from skinapi.platform.notices.outbox import Kind
from skinapi.platform.storage.ids import now
from tests.care.clinic import file_for, judge_anew, patient_of
from tests.care.conversation import Talk
from tests.support.backends import MAIL, PASSWORD, Backend, Person
from tests.support.reviews import sign_review
from tests.use_cases.use_case import notices_to

TOLD = {"outcome": "told"}
AWAITED = {"sample": "waiting"}
NEVUS: dict[str, Any] = {"label": "melanocytic_nevus", "urgency": "self_monitoring"}
URGENT_MELANOMA = {"urgency": "urgent_referral"}
WANTS_PHOTO: dict[str, Any] = {"label": None, "urgency": "urgent_referral", "photo_wanted": True}


@pytest.fixture
def given() -> dict[str, Any]:
    return MAIL


def sign(doctor: Person, number: int, label: str | None = "melanoma", **more: Any) -> None:
    body = {"label": label, "certainty": "sure", **more}
    answer = sign_review(doctor, number, body)
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
    backend: Backend, whole: bool
) -> None:
    grey = backend.member(role="doctor")
    ada = patient_of(backend, grey)
    unread, awaited, read, mole = (file_one(backend, ada) for _ in range(4))
    for number in (unread, read):
        sign(grey, number)
    sign(grey, awaited, **AWAITED)
    sign(grey, mole, "melanocytic_nevus", urgency="self_monitoring")
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


def test_each_reason_is_said_of_an_unread_cancer_whose_sample_is_at_the_laboratory(
    backend: Backend,
) -> None:
    grey = backend.member(role="doctor")
    ada = patient_of(backend, grey)
    sign(grey, file_one(backend, ada), **AWAITED)
    leave(ada)
    [person] = grey.call("GET", "/people-to-reach").get_json()
    reasons = [(item["why"], item.get("also")) for item in person["findings"]]
    assert reasons == [("awaited", ["unopened"])]


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
    assert (to_reach(grey), to_reach(weber)) == ([], [(number, "awaited")])


def test_whom_no_mail_reaches_is_in_the_list_of_the_doctor_in_charge_until_it_is_read(
    backend: Backend,
) -> None:
    grey, weber = (backend.member(role="doctor") for _ in "12")
    ada = patient_of(backend, grey)
    sign(grey, number := file_one(backend, ada))
    notice = backend.services.data.outbox.list_to(backend.account(ada.email).id)[-1]
    backend.services.erasure.to_reach.on_mail_undelivered(notice)
    assert to_reach(grey) == [(number, "unopened")]
    backend.services.decisions.assign_doctor(email=ada.email, doctor=weber.email, by="-")
    assert (to_reach(grey), to_reach(weber)) == ([], [(number, "unopened")])
    assert ada.call("GET", f"/submissions/{number}").status_code == 200
    assert to_reach(weber) == []
    sign(weber, number, urgency="referral")
    assert to_reach(weber) == [(number, "unopened")], "it has not been read"


def test_a_mail_that_was_refused_of_what_was_entered_in_error_since_is_nothing_to_tell(
    backend: Backend,
) -> None:
    grey = backend.member(role="doctor")
    ada = patient_of(backend, grey)
    sign(grey, number := file_one(backend, ada))
    notice = backend.services.data.outbox.list_to(backend.account(ada.email).id)[-1]
    path = f"/submissions/{number}/entered-in-error"
    assert grey.call("POST", path, json={"reason": "It is of another one."}).status_code == 200
    backend.services.erasure.to_reach.on_mail_undelivered(notice)
    assert to_reach(grey) == []


def test_whom_the_one_who_took_the_sample_cannot_reach_the_doctor_in_charge_goes_on_to_reach(
    backend: Backend,
) -> None:
    grey, weber = (backend.member(role="doctor") for _ in "12")
    ada = patient_of(backend, grey)
    sign(grey, number := file_one(backend, ada), **AWAITED)
    backend.services.decisions.assign_doctor(email=ada.email, doctor=weber.email, by="-")
    leave(ada)
    [person] = grey.call("GET", "/people-to-reach").get_json()
    ended = f"/people-to-reach/{person['_id']}/done"
    for doctor, left in ((grey, [(number, "awaited")]), (weber, [])):
        assert doctor.call("POST", ended, json={"outcome": "unreachable"}).status_code == 200
        assert (to_reach(grey), to_reach(weber)) == ([], left)


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


def test_a_message_of_the_doctor_that_was_not_read_is_to_be_told(backend: Backend) -> None:
    talk = Talk(backend)
    talk.sent(talk.grey, "Please come today.")
    assert talk.ada.call("GET", "/me/deletion").get_json()["unsettled"] == {"message": 1}
    leave(talk.ada)
    assert [why for _, why in to_reach(talk.grey)] == ["message"]


def test_an_admin_reads_in_numbers_alone_what_the_person_has_not_read(backend: Backend) -> None:
    grey, admin = backend.member(role="doctor"), backend.member(role="admin")
    ada = patient_of(backend, grey)
    for band in (Band.URGENT_REFERRAL, Band.ROUTINE):
        sign(grey, file_one(backend, ada, band))
    unread = {"unopened": 2}
    assert ada.call("GET", "/me/deletion").get_json()["unsettled"] == unread
    shown = admin.call("GET", f"/users/{ada.email}/deletion").get_json()
    assert (shown["unsettled"], shown["doctor"]) == (unread, backend.account(grey.email).name)
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
    backend: Backend, change: dict[str, Any], urgency: str, own: bool
) -> None:
    grey, admin = backend.member(role="doctor"), backend.admin()
    ada = patient_of(backend, grey)
    account = backend.account(ada.email).id
    broken = file_for(backend, ada, Band.REFERRAL)
    store = backend.services.store
    rows = store.collection("submissions")
    [whole] = rows.find({"id": broken.id})
    assert rows.update({"id": broken.id}, change)
    assert ada.call("GET", "/me/deletion").get_json()["unsettled"] == {"unreadable": 1}
    path = f"/users/{ada.email}"
    assert admin.call("GET", f"{path}/deletion").get_json()["unsettled"] == {"unreadable": 1}
    failed = backend.services.data.failed_items
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
    backend.services.eraser.resume()
    assert ("account_erasure", account) in [(item.work, item.item) for item in failed.list_some()]
    rows.delete({"id": broken.id})
    rows.insert(whole)
    store.collection("failed_items").update({"item": account}, {"$set": {"due_at": now()}})
    backend.services.erasure.finish_begun()
    assert backend.services.data.accounts.find_by_id(account) is None
    assert to_reach(grey) == [(broken.number, "unreadable")]
    assert failed.list_some() == []


def test_a_finding_whose_review_cannot_be_read_counts_as_open(backend: Backend) -> None:
    grey = backend.member(role="doctor")
    ada = patient_of(backend, grey)
    number = file_one(backend, ada)
    sign(grey, number)
    rows = backend.services.store.collection("reviews")
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


@pytest.mark.parametrize("whole", [False, True], ids=["a finding", "the account"])
def test_an_urgent_finding_whose_photo_no_doctor_could_judge_is_open(
    backend: Backend, whole: bool
) -> None:
    grey = backend.member(role="doctor")
    ada = patient_of(backend, grey)
    number, mild = (file_one(backend, ada, band) for band in (Band.URGENT_REFERRAL, Band.ROUTINE))
    for item, urgency in ((number, "urgent_referral"), (mild, "routine")):
        sign(grey, item, **{**WANTS_PHOTO, "urgency": urgency})
        assert ada.call("GET", f"/submissions/{item}").status_code == 200
    assert ada.call("GET", "/me/deletion").get_json()["unsettled"] == {"unjudged": 1}
    if whole:
        leave(ada)
    else:
        for item in (number, mild):
            assert ada.call("DELETE", f"/submissions/{item}").status_code == 200
    assert to_reach(grey) == [(number, "unjudged")]
    [[told]] = [item["findings"] for item in grey.call("GET", "/people-to-reach").get_json()]
    assert (told["name"], told["urgency"]) == (None, "urgent_referral")


def test_a_photo_that_could_not_be_judged_is_open_until_a_doctor_has_judged_another(
    backend: Backend,
) -> None:
    talk = Talk(backend)
    number, newer = 0, 0
    for band in (Band.URGENT_REFERRAL, Band.ROUTINE):
        number, newer = newer, file_for(backend, talk.ada, band, lesion=talk.lesion).number
        if not number:
            sign(talk.grey, newer, **WANTS_PHOTO)
            assert talk.ada.call("GET", f"/submissions/{newer}").status_code == 200
    preview = "/me/deletion"
    assert talk.ada.call("GET", preview).get_json()["unsettled"] == {"unjudged": 1}
    sign(talk.grey, newer, **NEVUS)
    assert talk.ada.call("GET", f"/submissions/{newer}").status_code == 200
    assert talk.ada.call("GET", preview).get_json()["unsettled"] == {}


def test_who_deletes_a_photo_that_another_has_followed_as_asked_is_not_reached(
    backend: Backend,
) -> None:
    talk = Talk(backend)
    first = file_for(backend, talk.ada, Band.URGENT_REFERRAL, lesion=talk.lesion).number
    sign(talk.grey, first, **WANTS_PHOTO)
    assert talk.ada.call("GET", f"/submissions/{first}").status_code == 200
    file_for(backend, talk.ada, Band.ROUTINE, lesion=talk.lesion)
    assert talk.ada.call("DELETE", f"/submissions/{first}").status_code == 200
    assert to_reach(talk.grey) == []


@pytest.mark.parametrize("emptied", ["deleted", "signed and deleted", "sorted elsewhere"])
def test_a_message_about_a_spot_is_not_lost_though_its_spot_is_gone_or_empty(
    backend: Backend, emptied: str
) -> None:
    talk = Talk(backend)
    number = file_for(backend, talk.ada, Band.ROUTINE, lesion=talk.lesion).number
    other = file_for(backend, talk.ada, Band.ROUTINE).number
    if emptied == "signed and deleted":
        sign(talk.grey, number, **NEVUS)
        assert talk.ada.call("GET", f"/submissions/{number}").status_code == 200
    talk.sent(talk.ada, "It bleeds since yesterday and has doubled.")
    path = f"/lesions/{talk.lesion}"
    if emptied != "sorted elsewhere":
        assert talk.ada.call("DELETE", path).status_code == 200
        # A signed finding leaves a stub: the message stays with the spot.
        expected = [(other, "unanswered") if emptied == "deleted" else (0, "message")]
    else:
        body = {"lesion": talk.begin()}
        moved = talk.ada.call("PUT", f"/submissions/{number}/lesion", json=body)
        assert moved.status_code == 200, moved.text
        expected = [(0, "message")]
    [(_, why)] = expected
    assert talk.ada.call("GET", "/me/deletion").get_json()["unsettled"] == {why: 1}
    leave(talk.ada)
    assert to_reach(talk.grey) == expected


@pytest.mark.parametrize("about_a_spot", [True, False])
def test_a_message_of_who_has_sent_no_photo_is_not_lost(
    backend: Backend, about_a_spot: bool
) -> None:
    talk = Talk(backend, about_a_spot=about_a_spot)
    talk.sent(talk.ada, "It bleeds since yesterday and has doubled.")
    assert talk.ada.call("GET", "/me/deletion").get_json()["unsettled"] == {"message": 1}
    leave(talk.ada)
    [person] = talk.grey.call("GET", "/people-to-reach").get_json()
    [told] = person["findings"]
    said = {name: told[name] for name in ("number", "why", "found_at", "name", "urgency")}
    nothing = dict.fromkeys(("found_at", "name", "urgency"))
    assert said == {"number": 0, "why": "message", **nothing}
    assert notices_to(backend, backend.account(talk.grey.email).id)[-1] == Kind.TO_REACH


def test_a_message_is_told_with_the_finding_that_it_names(backend: Backend) -> None:
    talk = Talk(backend, about_a_spot=False)
    named, _ = (file_for(backend, talk.ada, Band.ROUTINE) for _ in range(2))
    talk.sent(talk.ada, "It bleeds.", submission=named.id)
    leave(talk.ada)
    assert to_reach(talk.grey) == [(named.number, "unanswered")]


def test_a_message_about_a_finding_that_was_entered_in_error_is_not_lost(backend: Backend) -> None:
    talk = Talk(backend)
    number = file_for(backend, talk.ada, Band.ROUTINE, lesion=talk.lesion).number
    talk.sent(talk.ada, "It bleeds.")
    body = {"reason": "It is of somebody else."}
    path = f"/submissions/{number}/entered-in-error"
    assert talk.grey.call("POST", path, json=body).status_code == 200
    leave(talk.ada)
    assert to_reach(talk.grey) == [(0, "message")]


def test_a_message_of_who_is_back_after_a_suspension_waits_with_the_doctor_alone(
    backend: Backend,
) -> None:
    talk = Talk(backend)
    talk.sent(talk.ada, "It bleeds.")
    admin, path = backend.admin(), f"/users/{talk.ada.email}"
    assert admin.call("PATCH", f"{path}/suspend", json={}).status_code == 200
    assert to_reach(talk.grey) == [(0, "message")]
    assert admin.call("PATCH", f"{path}/approve", json={}).status_code == 200
    assert to_reach(talk.grey) == []
    assert talk.waits(talk.grey) == [1]


@pytest.mark.parametrize("about_a_spot", [True, False])
def test_a_deleted_doctor_is_nobody_to_reach_for_what_a_patient_wrote(
    backend: Backend, about_a_spot: bool
) -> None:
    talk = Talk(backend, about_a_spot=about_a_spot)
    weber, boss = (backend.member(role=role) for role in ("doctor", "admin"))
    number = file_for(backend, talk.ada, Band.ROUTINE, lesion=talk.lesion).number
    sign(talk.grey, number, **NEVUS)
    talk.sent(talk.ada, "It bleeds.")
    assert boss.call("DELETE", f"/doctors/{talk.grey.email}").status_code == 200
    for reader in (boss, weber):
        assert reader.call("GET", "/people-to-reach").get_json() == []
    [left] = weber.pages("/queue?unassigned=true")
    assert (left["id"], left["waits_for"]) == (number, ["answer"])


@pytest.mark.parametrize("given", [MAIL])
def test_who_becomes_a_doctor_neither_reads_nor_settles_the_own_entry(
    backend: Backend,
) -> None:
    grey, other = (backend.member(role="doctor") for _ in "12")
    admin, ada = backend.member(role="admin"), patient_of(backend, grey)
    number = file_one(backend, ada)
    sign(grey, number)
    assert ada.call("DELETE", f"/submissions/{number}").status_code == 200
    outbox = backend.services.store.collection("outbox")
    outbox.delete({"kind": Kind.TO_REACH})
    role = {"role": "doctor"}
    assert admin.call("PUT", f"/users/{ada.email}/role", json=role).status_code == 200
    now_doctor = backend.log_in(ada.email)
    assert now_doctor.call("GET", "/people-to-reach").get_json() == []
    [person] = other.call("GET", "/people-to-reach").get_json()
    path = f"/people-to-reach/{person['_id']}/done"
    assert now_doctor.call("POST", path, json=TOLD).status_code == 404
    own = backend.account(ada.email).id
    assert outbox.count({"kind": Kind.TO_REACH, "account": own}) == 0
    assert other.call("POST", path, json=TOLD).status_code == 200
