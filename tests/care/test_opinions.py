"""A second opinion that was asked for stays until it is answered or withdrawn, wherever the patient
goes; that it does not come is told to the doctor who waits for it.
"""

from typing import Any

import pytest

from skinapi.platform.notices.outbox import Kind
from tests.care.clinic import ROUTINE, URGENT, file_for, numbers
from tests.care.test_cases import MELANOMA, Clinic, answer, came, counts
from tests.care.test_without_doctor import LIST, identifier, take
from tests.support.backends import MAIL, PASSWORD, Backend, Person

MOLE = {"label": "melanocytic_nevus", "certainty": "sure"}
WORDS = "Is the border regular?"


def sign_and_ask(clinic: Clinic) -> None:
    answer(clinic.doctor, clinic.number, MOLE)
    assert clinic.ask(question=WORDS).status_code == 200


@pytest.fixture
def asked(any_backend: Backend) -> Clinic:
    """The doctor in charge has signed a mole, and asked a colleague about it."""
    clinic = Clinic(any_backend)
    sign_and_ask(clinic)
    return clinic


def to_review(doctor: Person) -> list[int]:
    listed = numbers(doctor, "/queue?reviewed=false")
    found = counts(doctor)
    assert found["to_review"] == len(listed) == len(set(listed))
    for band, count in found["by_urgency"].items():
        assert len(numbers(doctor, f"/queue?reviewed=false&urgency={band}")) == count, band
    return listed


def work(doctor: Person, clinic: Clinic) -> Any:
    return doctor.call("GET", f"{clinic.path}/case").get_json()


def waits_as_asked(clinic: Clinic, doctor: Person) -> bool:
    """Whether this doctor, who is in charge, has the question of the first one to answer."""
    opinion = work(doctor, clinic)["opinion"] or {}
    told = (opinion.get("doctor"), opinion.get("question"), opinion.get("of_me"))
    in_list = clinic.number in to_review(doctor)
    return in_list and opinion.get("in_charge", False) and told == ("Dr Grace Hopper", WORDS, True)


def test_who_was_asked_and_is_in_charge_now_has_the_question_until_a_review(asked: Clinic) -> None:
    asked.assign(asked.colleague.email)
    assert waits_as_asked(asked, asked.colleague)
    answer(asked.colleague, asked.number, MELANOMA)
    assert to_review(asked.colleague) == []
    assert work(asked.colleague, asked)["opinion"] is None
    decision = asked.ada.call("GET", asked.path).get_json()["decision"]
    assert (decision["label"], decision["decided_by"]) == ("melanoma", "Dr Ann Other")


def test_a_doctor_who_was_asked_and_is_now_in_charge_may_end_the_question(asked: Clinic) -> None:
    asked.assign(asked.colleague.email)
    path = f"{asked.path}/second-opinion"
    assert asked.colleague.call("DELETE", path).status_code == 200
    assert to_review(asked.colleague) == []
    assert "opinion_lost" not in work(asked.colleague, asked)


def test_a_question_goes_on_to_a_third_doctor_with_the_name_of_who_asked(asked: Clinic) -> None:
    asked.assign(asked.colleague.email)
    asked.assign(asked.stranger.email)
    opinion = work(asked.colleague, asked)["opinion"]
    assert (opinion["doctor"], opinion["question"]) == ("Dr Grace Hopper", WORDS)
    assert to_review(asked.colleague) == [asked.number]
    assert answer(asked.colleague, asked.number, MELANOMA)["second_opinion"]
    assert came(asked.stranger) == 1
    assert asked.ada.call("GET", asked.path).get_json()["decision"]["label"] == MOLE["label"]


def test_the_question_of_a_suspended_doctor_goes_with_who_takes_the_patient(asked: Clinic) -> None:
    file_for(asked.backend, asked.ada, URGENT)  # by which the patient is in the list of all
    asked.admin("PATCH", f"/users/{asked.doctor.email}/suspend")
    assert take(asked.colleague, identifier(asked.backend, asked.ada)).status_code == 200
    assert waits_as_asked(asked, asked.colleague)


def test_what_who_was_asked_says_of_nobodys_patient_is_read_by_no_patient(asked: Clinic) -> None:
    asked.admin("DELETE", f"/doctors/{asked.doctor.email}")
    assert work(asked.colleague, asked)["opinion"]["doctor"] == ""
    assert answer(asked.colleague, asked.number, MELANOMA)["second_opinion"]
    assert asked.ada.call("GET", asked.path).get_json()["decision"]["label"] == MOLE["label"]
    [left] = asked.stranger.pages(LIST)
    assert (left["id"], left["left"]) == (asked.number, ["opinion"])


def test_a_question_from_before_the_asker_was_stored_is_of_the_doctor_in_charge(
    asked: Clinic,
) -> None:
    stored = asked.backend.services.store.collection("submissions")
    stored.update({"number": asked.number}, {"$unset": {"opinion_by": True}})
    assert work(asked.colleague, asked)["opinion"]["doctor"] == "Dr Grace Hopper"
    asked.assign(asked.colleague.email)
    opinion = work(asked.colleague, asked)["opinion"]
    assert (opinion["doctor"], opinion["in_charge"]) == ("", True)


def test_a_finding_that_waits_for_more_than_an_answer_stands_once(shared_backend: Backend) -> None:
    clinic = Clinic(shared_backend)
    unreviewed = file_for(shared_backend, clinic.ada, ROUTINE).number
    sign_and_ask(clinic)
    clinic.ask(number=unreviewed)
    answer(clinic.colleague, clinic.number, MELANOMA)
    clinic.ask()
    clinic.assign(clinic.colleague.email)
    assert to_review(clinic.colleague) == [clinic.number, unreviewed]
    for limit in (1, 2, 3):
        listed = numbers(clinic.colleague, f"/queue?reviewed=false&limit={limit}")
        assert listed == [clinic.number, unreviewed]


def leave(clinic: Clinic, why: str) -> None:
    if why == "suspended":
        clinic.admin("PATCH", f"/users/{clinic.colleague.email}/suspend")
    elif why == "deleted":
        clinic.admin("DELETE", f"/doctors/{clinic.colleague.email}")
    elif why == "declined":
        clinic.colleague.call("DELETE", f"{clinic.path}/second-opinion")
    else:
        clinic.ada.call("PUT", "/me/consents", json={"sharing": False})


LOST = {
    "suspended": "gone",
    "deleted": "gone",
    "declined": "declined",
    "sharing taken back": "unshared",
}


@pytest.mark.parametrize("why", LOST)
def test_a_second_opinion_that_does_not_come_waits_for_the_doctor_in_charge(
    any_backend: Backend, why: str
) -> None:
    clinic = Clinic(any_backend)
    sign_and_ask(clinic)
    assert to_review(clinic.doctor) == []
    leave(clinic, why)
    assert to_review(clinic.doctor) == [clinic.number]
    [row] = clinic.doctor.pages("/queue?reviewed=false")
    assert row["case"]["opinion_lost"] == LOST[why]
    assert clinic.case()["opinion_lost"] == LOST[why]
    answer(clinic.doctor, clinic.number, MOLE)
    assert to_review(clinic.doctor) == []
    assert "opinion_lost" not in clinic.case()
    assert clinic.case()["opinion"] is None


@pytest.mark.parametrize("why", LOST)
def test_the_doctor_in_charge_may_withdraw_a_question_that_nobody_answers(
    shared_backend: Backend, why: str
) -> None:
    clinic = Clinic(shared_backend)
    sign_and_ask(clinic)
    leave(clinic, why)
    assert withdraw(clinic).status_code == 200
    case = clinic.case()
    assert (case["opinion"], case.get("opinion_lost")) == (None, None)
    assert to_review(clinic.doctor) == []
    if why == "suspended":  # what was settled is not told again
        leave(clinic, "deleted")
        assert to_review(clinic.doctor) == []


def test_another_colleague_is_asked_in_place_of_one_who_is_gone(shared_backend: Backend) -> None:
    clinic = Clinic(shared_backend)
    sign_and_ask(clinic)
    leave(clinic, "suspended")
    case = clinic.ask(clinic.stranger.email).get_json()
    assert (case["opinion"]["question"], case.get("opinion_lost")) == (None, None)
    assert to_review(clinic.doctor) == []
    assert to_review(clinic.stranger) == [clinic.number]


def test_who_is_back_has_the_question_again_and_nobody_waits_without_it(asked: Clinic) -> None:
    leave(asked, "suspended")
    asked.admin("PATCH", f"/users/{asked.colleague.email}/approve", json={})
    assert to_review(asked.doctor) == []
    assert "opinion_lost" not in asked.case()
    colleague = asked.backend.log_in(asked.colleague.email)
    assert to_review(colleague) == [asked.number]


def test_an_opinion_that_came_before_stays_where_the_next_one_does_not_come(
    shared_backend: Backend,
) -> None:
    clinic = Clinic(shared_backend)
    sign_and_ask(clinic)
    answer(clinic.colleague, clinic.number, MELANOMA)
    clinic.ask()
    leave(clinic, "suspended")
    case = clinic.case()
    assert (case["opinion_lost"], bool(case["opinion_came_at"])) == ("gone", True)
    clinic.admin("PATCH", f"/users/{clinic.colleague.email}/approve", json={})
    assert came(clinic.doctor) == 1
    assert to_review(clinic.doctor) == [clinic.number]


def test_the_question_to_who_is_in_charge_and_gone_waits_with_the_patients_of_nobody(
    asked: Clinic,
) -> None:
    asked.assign(asked.colleague.email)
    leave(asked, "suspended")
    [left] = asked.stranger.pages(LIST)
    assert (left["id"], left["left"]) == (asked.number, ["opinion_lost"])
    patient = identifier(asked.backend, asked.ada)
    assert take(asked.stranger, patient).status_code == 200
    assert to_review(asked.stranger) == [asked.number]
    case = work(asked.stranger, asked)
    assert (case["opinion_lost"], case["opinion"]["doctor"]) == ("gone", "Dr Grace Hopper")


def test_who_is_in_charge_by_now_is_no_colleague_to_whom_a_patient_says_no(asked: Clinic) -> None:
    asked.assign(asked.colleague.email)
    leave(asked, "sharing taken back")
    assert waits_as_asked(asked, asked.colleague)


def test_what_a_patient_has_refused_holds_when_who_was_asked_is_not_in_charge_any_more(
    asked: Clinic,
) -> None:
    asked.assign(asked.colleague.email)
    leave(asked, "sharing taken back")
    asked.assign(asked.doctor.email)
    assert asked.case()["opinion_lost"] == "unshared"
    assert to_review(asked.colleague) == []
    assert asked.colleague.call("GET", f"{asked.path}/case").status_code == 404
    assert to_review(asked.doctor) == [asked.number]


@pytest.mark.parametrize("given", [{"record_retention": 10}])
def test_a_kept_record_waits_for_no_colleague_any_more(backend: Backend) -> None:
    clinic = Clinic(backend)
    sign_and_ask(clinic)
    deleted = clinic.ada.call("DELETE", "/me", json={"current_password": PASSWORD})
    assert deleted.status_code == 200, deleted.text
    assert clinic.case()["opinion_lost"] == "unshared"
    assert to_review(clinic.doctor) == [clinic.number]


@pytest.mark.parametrize("given", [MAIL])
def test_the_doctor_in_charge_gets_a_mail_that_no_second_opinion_comes(backend: Backend) -> None:
    clinic = Clinic(backend)
    sign_and_ask(clinic)
    leave(clinic, "suspended")
    outbox, doctor = backend.services.data.outbox, identifier(backend, clinic.doctor)
    assert outbox.find_last(Kind.OPINION_LOST, to=doctor, about=f"case/{clinic.number}")
    clinic.admin("PATCH", f"/users/{clinic.colleague.email}/approve", json={})
    assert outbox.find_last(Kind.OPINION_LOST, to=doctor) is None


RETIRED = [
    {"histology": "awaited"},
    {"histology": "confirmed"},
    {"histology_result": "melanoma"},
    {"new_picture_wanted": True, "label": None},
]


@pytest.mark.parametrize("said", RETIRED, ids=str)
def test_a_second_opinion_names_no_sample_no_result_and_no_other_photo(
    asked: Clinic, said: dict[str, Any]
) -> None:
    opinion = {"label": "melanoma", "certainty": "sure", **said}
    refused = asked.colleague.call("POST", f"{asked.path}/review", json=opinion)
    assert (refused.status_code, refused.get_json()["code"]) == (422, "contradictory_review")
    assert "second opinion" in refused.get_json()["detail"]
    assert to_review(asked.colleague) == [asked.number]
    assert to_review(asked.doctor) == []


def withdraw(clinic: Clinic, **seen: str) -> Any:
    return clinic.doctor.call("DELETE", f"{clinic.path}/second-opinion", query_string=seen)


def test_an_opinion_is_closed_only_by_a_doctor_who_has_seen_it(asked: Clinic) -> None:
    answer(asked.colleague, asked.number, MOLE)
    seen = asked.doctor.call("GET", asked.path).get_json()["spot_state"]
    assert asked.ask(asked.stranger.email).status_code == 200
    answer(asked.stranger, asked.number, MELANOMA)
    assert withdraw(asked, spot_state=seen).get_json()["code"] == "spot_changed"
    assert to_review(asked.doctor) == [asked.number]
    seen = asked.doctor.call("GET", asked.path).get_json()["spot_state"]
    assert withdraw(asked, spot_state=seen).status_code == 200
    assert to_review(asked.doctor) == []
    opinions = asked.doctor.call("GET", f"{asked.path}/reviews").get_json()
    assert [item["label"] for item in opinions if item["second_opinion"]] == [
        MOLE["label"],
        MELANOMA["label"],
    ]
