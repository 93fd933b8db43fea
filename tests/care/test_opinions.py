from typing import Any

import pytest

from tests.care.clinic import URGENT, file_for, numbers
from tests.care.test_cases import GIVEN, MELANOMA, Clinic, answer, came, counts, give
from tests.care.test_without_doctor import LIST, identifier, take
from tests.integrations.test_keys import clinic_wide
from tests.support.backends import PASSWORD, Backend, Person
from tests.support.reviews import sign_review

MOLE = {"label": "melanocytic_nevus", "certainty": "sure"}
WORDS = "Is the border regular?"


def sign_and_ask(clinic: Clinic) -> None:
    answer(clinic.doctor, clinic.number, MOLE)
    assert clinic.ask(question=WORDS).status_code == 200


@pytest.fixture
def asked(any_backend: Backend) -> Clinic:
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


def withdraw(clinic: Clinic, by: Person | None = None) -> int:
    path = f"{clinic.path}/second-opinion"
    return (by or clinic.doctor).call("DELETE", path).status_code


def test_an_opinion_waits_until_the_doctor_in_charge_signs(asked: Clinic) -> None:
    assert to_review(asked.doctor) == []
    assert to_review(asked.colleague) == [asked.number]
    given = give(asked.colleague, asked.number)
    assert given["question"] == WORDS
    assert to_review(asked.colleague) == []
    assert to_review(asked.doctor) == [asked.number]
    [row] = asked.doctor.pages("/queue?reviewed=false")
    assert row["case"]["opinion_came_at"]
    assert "opinions" not in row["case"]
    assert asked.case()["opinions"] == [given]
    answer(asked.doctor, asked.number, MOLE)
    assert to_review(asked.doctor) == []
    assert asked.case()["opinions"] == [given]


def test_withdrawing_the_question_leaves_the_opinion_on_the_case_page(asked: Clinic) -> None:
    given = give(asked.colleague, asked.number)
    assert withdraw(asked) == 200
    assert to_review(asked.doctor) == []
    assert (asked.case()["opinion_came_at"], asked.case()["opinions"]) == (None, [given])


def test_an_opinion_is_read_on_the_case_page_alone(any_backend: Backend) -> None:
    clinic = Clinic(any_backend)
    sign_and_ask(clinic)
    program = clinic_wide(any_backend)
    paths = (clinic.path, f"{clinic.path}/reviews", f"{clinic.path}/report.json", "/submissions")
    people = (clinic.ada, clinic.doctor, program)

    def read() -> list[Any]:
        return [person.call("GET", path).get_json() for person in people for path in paths]

    before = read()
    give(clinic.colleague, clinic.number)
    after = read()
    versions = [said[len(paths)].pop("spot_version") for said in (before, after)]
    assert versions[1] == versions[0] + 1, "the doctor in charge reads it before signing"
    assert GIVEN["comment"] not in str(after)
    for was, said in zip(before, after, strict=True):
        if isinstance(said, dict):
            assert said["decision"]["label"] == was["decision"]["label"] == MOLE["label"]
            assert said["decision"]["signed_before"].partition(
                ". Since then: a colleague's opinion"
            )[1]
            assert said.get("instruction") == was.get("instruction")
    assert after[1::4] == before[1::4], "the reviews"
    assert clinic.ada.call("GET", f"{clinic.path}/case").status_code == 403


def test_an_opinion_is_no_review_and_a_colleague_signs_none(asked: Clinic) -> None:
    refused = sign_review(asked.colleague, asked.number, MELANOMA)
    assert refused.status_code == 403
    for said in ({"comment": " "}, {"label": "melanoma"}, {**GIVEN, "urgency": "referral"}):
        sent = asked.colleague.call("POST", f"{asked.path}/opinion", json=said)
        assert sent.status_code == 400, said
    assert asked.doctor.call("POST", f"{asked.path}/opinion", json=GIVEN).status_code == 403
    assert asked.stranger.call("POST", f"{asked.path}/opinion", json=GIVEN).status_code == 404
    assert to_review(asked.colleague) == [asked.number]


def test_a_colleague_declines_in_the_comment_and_ends_no_question(asked: Clinic) -> None:
    assert withdraw(asked, asked.colleague) == 403
    give(asked.colleague, asked.number, label=None, comment="I cannot say.")
    assert to_review(asked.doctor) == [asked.number]


def test_a_signed_review_ends_the_question(asked: Clinic) -> None:
    answer(asked.doctor, asked.number, MOLE)
    assert to_review(asked.colleague) == []
    assert asked.case()["opinion"] is None
    assert asked.colleague.call("POST", f"{asked.path}/opinion", json=GIVEN).status_code == 404


def test_a_colleague_who_takes_over_the_patient_has_the_question_until_a_review(
    asked: Clinic,
) -> None:
    asked.assign(asked.colleague.email)
    opinion = work(asked.colleague, asked)["opinion"]
    assert (opinion["doctor"], opinion["question"]) == ("Dr Grace Hopper", WORDS)
    assert (opinion["of_me"], opinion["in_charge"]) == (True, True)
    assert to_review(asked.colleague) == [asked.number]
    answer(asked.colleague, asked.number, MELANOMA)
    assert to_review(asked.colleague) == []
    decision = asked.ada.call("GET", asked.path).get_json()["decision"]
    assert (decision["label"], decision["decided_by"]) == ("melanoma", "Dr Ann Other")


def test_a_question_goes_on_to_a_third_doctor_with_the_name_of_who_asked(asked: Clinic) -> None:
    asked.assign(asked.stranger.email)
    opinion = work(asked.colleague, asked)["opinion"]
    assert (opinion["doctor"], opinion["question"]) == ("Dr Grace Hopper", WORDS)
    give(asked.colleague, asked.number)
    assert came(asked.stranger) == 1
    assert asked.ada.call("GET", asked.path).get_json()["decision"]["label"] == MOLE["label"]


def test_the_question_of_a_suspended_doctor_goes_with_who_takes_the_patient(asked: Clinic) -> None:
    file_for(asked.backend, asked.ada, URGENT)  # by which the patient is in the list of all
    asked.admin("PATCH", f"/users/{asked.doctor.email}/suspend")
    assert take(asked.colleague, identifier(asked.backend, asked.ada)).status_code == 200
    assert asked.number in to_review(asked.colleague)
    assert work(asked.colleague, asked)["opinion"]["in_charge"]


def test_an_opinion_on_a_patient_without_a_doctor_waits_in_the_list_of_all(asked: Clinic) -> None:
    asked.admin("DELETE", f"/doctors/{asked.doctor.email}")
    assert work(asked.colleague, asked)["opinion"]["doctor"] == ""
    give(asked.colleague, asked.number)
    [left] = asked.stranger.pages(LIST)
    assert (left["id"], left["waits_for"]) == (asked.number, ["opinion"])


def test_a_finding_that_waits_for_more_than_an_answer_stands_once(shared_backend: Backend) -> None:
    clinic = Clinic(shared_backend)
    unreviewed = file_for(shared_backend, clinic.ada, URGENT).number
    sign_and_ask(clinic)
    clinic.ask(number=unreviewed)
    give(clinic.colleague, clinic.number)
    clinic.ask()
    clinic.assign(clinic.colleague.email)
    assert to_review(clinic.colleague) == [unreviewed, clinic.number]
    for limit in (1, 2, 3):
        listed = numbers(clinic.colleague, f"/queue?reviewed=false&limit={limit}")
        assert listed == [unreviewed, clinic.number]


@pytest.mark.parametrize("in_charge", [False, True])
def test_a_patient_who_takes_the_consent_back_ends_the_question(
    asked: Clinic, in_charge: bool
) -> None:
    if in_charge:
        asked.assign(asked.colleague.email)
    asked.ada.call("PUT", "/me/consents", json={"sharing": False})
    doctor = asked.colleague if in_charge else asked.doctor
    assert work(doctor, asked)["opinion"] is None
    assert to_review(asked.colleague) == []
    if not in_charge:
        assert asked.colleague.call("GET", f"{asked.path}/case").status_code == 404


@pytest.mark.parametrize("given", [{"record_retention": 10}])
def test_a_kept_record_waits_for_no_colleague_any_more(backend: Backend) -> None:
    clinic = Clinic(backend)
    sign_and_ask(clinic)
    clinic.ada.call_ok("DELETE", "/me", json={"current_password": PASSWORD})
    assert clinic.case()["opinion"] is None


def test_an_opinion_goes_with_its_finding(asked: Clinic) -> None:
    give(asked.colleague, asked.number)
    assert asked.backend.stored()["second_opinions"]
    assert asked.ada.call("DELETE", asked.path).status_code == 200
    assert not asked.backend.stored().get("second_opinions")
