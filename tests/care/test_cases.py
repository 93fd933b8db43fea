from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.care.clinic import ROUTINE, URGENT, file_for, numbers
from tests.findings.prediction.photographer import predicted
from tests.support.backends import PASSWORD, Backend, Person
from tests.support.reviews import sign_review, signed_review

BACK = {"place": {"site": "back"}}


class Clinic:
    def __init__(self, backend: Backend, **fields: Any) -> None:
        self.backend = backend
        self.doctor = backend.member(role="doctor", name="Dr Grace Hopper")
        self.colleague = backend.member(role="doctor", name="Dr Ann Other")
        self.stranger = backend.member(role="doctor")
        self.boss = backend.member(role="admin")
        self.ada = backend.member(doctor_id=backend.account(self.doctor.email).id)
        self.number = predicted(self.ada, keep_photo="true", **fields)["id"]
        self.path = f"/submissions/{self.number}"

    def ask(
        self, colleague: str | None = None, *, number: int | None = None, **more: str
    ) -> TestResponse:
        body = {"colleague": colleague or self.colleague.email, **more}
        path = f"/submissions/{number or self.number}/second-opinion"
        return self.doctor.call("PUT", path, json=body)

    def case(self) -> Any:
        return self.doctor.call("GET", f"{self.path}/case").get_json()

    def sees(self, doctor: Person) -> list[int]:
        paths = (self.path, f"{self.path}/photo", f"{self.path}/reviews")
        return [doctor.call("GET", path).status_code for path in paths]

    def assign(self, doctor: str | None) -> Any:
        return self.admin("PUT", f"/users/{self.ada.email}/doctor", json={"doctor": doctor})

    def admin(self, method: str, path: str, **options: Any) -> Any:
        return self.boss.call_ok(method, path, **options)


@pytest.fixture
def clinic(shared_backend: Backend) -> Clinic:
    return Clinic(shared_backend)


def test_a_second_opinion_opens_one_finding_to_one_doctor_until_it_is_given(
    clinic: Clinic,
) -> None:
    other = predicted(clinic.ada)["id"]
    assert clinic.sees(clinic.colleague) == [404] * 3
    asked = clinic.ask(clinic.backend.account(clinic.colleague.email).id).get_json()["opinion"]
    assert (asked["doctor"], asked["colleague"]) == ("Dr Grace Hopper", "Dr Ann Other")
    assert clinic.sees(clinic.colleague) == [200] * 3
    assert clinic.sees(clinic.stranger) == [404] * 3
    assert clinic.colleague.call("GET", f"/submissions/{other}").status_code == 404
    corrected = clinic.colleague.call("PUT", f"{clinic.path}/facts", json={"sex": "male"})
    assert corrected.status_code == 403, "who is asked reads, and corrects nothing"
    give(clinic.colleague, clinic.number)
    assert clinic.sees(clinic.colleague) == [404] * 3
    (given,) = clinic.case()["opinions"]
    assert given["signed_by"] == "Dr Ann Other"


def test_the_opinion_that_ended_a_question_can_be_sent_again(clinic: Clinic) -> None:
    clinic.ask()
    send = {"json": GIVEN, "headers": {"Idempotency-Key": "once"}}
    path = f"{clinic.path}/opinion"
    first, again = (clinic.colleague.call("POST", path, **send) for _ in range(2))
    assert first.get_json()["_id"] == again.get_json()["_id"]
    other = {**send, "json": {"comment": "Something else."}}
    assert clinic.colleague.call("POST", path, **other).status_code == 422


def test_the_doctor_in_charge_withdraws_a_question(clinic: Clinic) -> None:
    clinic.ask()
    assert clinic.doctor.call("DELETE", f"{clinic.path}/second-opinion").status_code == 200
    assert clinic.case()["opinion"] is None
    assert clinic.sees(clinic.colleague) == [404] * 3


def test_a_request_of_who_is_no_doctor_any_more_rests_and_says_so(clinic: Clinic) -> None:
    clinic.ask()
    assert "colleague_gone" not in clinic.case()["opinion"]
    users = f"/users/{clinic.colleague.email}"
    clinic.admin("PUT", f"{users}/role", json={"role": "user"})
    assert clinic.case()["opinion"]["colleague_gone"]
    assert clinic.sees(clinic.colleague) == [404] * 3
    clinic.admin("PUT", f"{users}/role", json={"role": "doctor"})
    clinic.colleague = clinic.backend.log_in(clinic.colleague.email)
    assert clinic.sees(clinic.colleague) == [200] * 3
    password = {"current_password": PASSWORD}
    assert clinic.colleague.call("DELETE", "/me", json=password).status_code == 200
    assert clinic.case()["opinion"]["colleague_gone"]
    again = clinic.ask(clinic.stranger.email).get_json()["opinion"]
    assert "colleague_gone" not in again
    assert clinic.sees(clinic.stranger) == [200] * 3


def test_a_second_opinion_sees_the_course_of_the_spot(shared_backend: Backend) -> None:
    clinic = Clinic(shared_backend)
    lesion = clinic.ada.call("POST", "/lesions", json=BACK).get_json()["id"]
    earlier = predicted(clinic.ada, lesion=lesion, keep_photo="true")["id"]
    number = predicted(clinic.ada, lesion=lesion, keep_photo="true")["id"]
    paths = (
        f"/lesions/{lesion}",
        f"/lesions/{lesion}/submissions",
        f"/submissions/{earlier}/photo",
    )
    assert clinic.ask(number=number).status_code == 200
    for doctor, status in ((clinic.colleague, 200), (clinic.stranger, 404)):
        assert [doctor.call("GET", path).status_code for path in paths] == [status] * 3
    body = {"label": "melanoma", "certainty": "sure"}
    refused = sign_review(clinic.colleague, earlier, body)
    assert refused.status_code == 403


@pytest.mark.parametrize(
    ("named", "status"),
    [
        ("the doctor", 409),
        ("the patient", 404),
        ("nobody@example.org", 404),
        ("", 400),
        ("x" * 32, 404),
    ],
)
def test_only_another_active_doctor_can_be_asked(
    shared_backend: Backend, named: str, status: int
) -> None:
    clinic = Clinic(shared_backend)
    person = {"the doctor": clinic.doctor, "the patient": clinic.ada}.get(named)
    body = {"colleague": person.email if person else named}
    path = f"{clinic.path}/second-opinion"
    assert clinic.doctor.call("PUT", path, json=body).status_code == status


def test_one_colleague_at_a_time_is_asked(shared_backend: Backend) -> None:
    clinic = Clinic(shared_backend)
    assert [clinic.ask().status_code for _ in range(2)] == [200, 200]
    refused = clinic.ask(clinic.stranger.email)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "opinion_asked")
    assert (
        clinic.colleague.call(
            "PUT", f"{clinic.path}/second-opinion", json={"colleague": clinic.stranger.email}
        ).status_code
        == 403
    )


def test_the_queue_begins_with_the_opinions_that_are_asked_of_one(shared_backend: Backend) -> None:
    clinic = Clinic(shared_backend)
    patient = shared_backend.member(doctor_id=shared_backend.account(clinic.colleague.email).id)
    own = [file_for(shared_backend, patient, URGENT).number for _ in range(2)]
    asked = [file_for(shared_backend, clinic.ada, band).number for band in (URGENT, ROUTINE)]
    for number in asked:
        clinic.ask(number=number)
    waiting = [*asked, *own]
    for limit in (1, 2, 3, 100):
        assert numbers(clinic.colleague, f"/queue?reviewed=false&limit={limit}") == waiting
    assert numbers(clinic.colleague, "/queue?reviewed=true") == []
    assert numbers(clinic.colleague, "/queue?urgency=routine") == [asked[1]]
    first = clinic.colleague.pages("/queue")[0]
    assert first["case"]["opinion"]["of_me"] is True


def test_a_colleague_is_found_by_name_and_reads_the_question(backend: Backend) -> None:
    clinic = Clinic(backend)
    clinic.backend.member(role="doctor", name="Dr Suspended", status="suspended")
    known = {item["name"]: item["_id"] for item in clinic.doctor.pages("/colleagues")}
    assert "Dr Ann Other" in known
    assert {"Dr Grace Hopper", "Dr Suspended"} & known.keys() == set()
    body = {"colleague": known["Dr Ann Other"], "question": "  Is the border regular?  "}
    path = f"{clinic.path}/second-opinion"
    asked = clinic.doctor.call("PUT", path, json=body).get_json()["opinion"]
    assert (asked["colleague"], asked["question"]) == ("Dr Ann Other", "Is the border regular?")
    [listed] = clinic.colleague.pages("/queue")
    assert listed["case"]["opinion"]["question"] == "Is the border regular?"
    assert "border" not in clinic.ada.call("GET", clinic.path).text
    clinic.doctor.call("DELETE", path)
    assert clinic.ask().get_json()["opinion"]["question"] is None
    too_long = {"colleague": known["Dr Ann Other"], "question": "?" * 501}
    assert clinic.doctor.call("PUT", path, json=too_long).status_code == 400


GIVEN = {"label": "melanoma", "comment": "Looks like a mole to me, but I am not sure."}


def give(doctor: Person, number: int, **said: str | None) -> Any:
    given = doctor.call("POST", f"/submissions/{number}/opinion", json={**GIVEN, **said})
    assert given.status_code == 201, given.text
    return given.get_json()


MELANOMA = {"label": "melanoma", "certainty": "sure", "note": "Excise it this week."}


def answer(doctor: Person, number: int, body: Any) -> Any:
    return signed_review(doctor, number, body)


def came(doctor: Person) -> int:
    return sum(
        item["case"]["opinion_came_at"] is not None
        for item in doctor.pages("/queue?reviewed=false")
    )


def counts(doctor: Person) -> Any:
    return doctor.call("GET", "/queue/counts").get_json()
