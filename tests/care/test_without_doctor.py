import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest

from skinapi.app.integrity_check import check_integrity
from skinapi.platform.storage.ids import now
from tests.care.clinic import (
    REFERRAL,
    ROUTINE,
    URGENT,
    file_for,
    numbers,
    patient_in_care,
    patient_of,
    review,
)
from tests.findings.prediction.photographer import predicted
from tests.integrations.test_keys import made
from tests.support.backends import MAIL, Backend, Person, erase
from tests.support.channels import READERS
from tests.support.reviews import sign_review

LIST = "/queue?unassigned=true"
Open = Callable[..., Backend]


@pytest.fixture
def open_backend(tmp_path: Path) -> Any:
    opened: list[Backend] = []

    def open_one(**settings: Any) -> Backend:
        opened.append(Backend(tmp_path / str(len(opened)), **settings))
        return opened[-1]

    yield open_one
    for backend in opened:
        backend.services.store.close()


def identifier(backend: Backend, person: Person) -> str:
    return backend.account(person.email).id


def take(doctor: Person, patient: str) -> Any:
    return doctor.call("PUT", f"/patients/{patient}/doctor")


def sign(doctor: Person, number: int, **said: str) -> None:
    body = {"certainty": "sure", **said}
    answer = sign_review(doctor, number, body)
    assert answer.status_code == 201, answer.text


def test_every_doctor_sees_what_is_nobodys_first_in_urgency_and_takes_the_patient(
    any_backend: Backend,
) -> None:
    grey, house = (any_backend.member(role="doctor", name=name) for name in ("Dr Grey", "Dr House"))
    ada, ben = any_backend.member(), any_backend.member()
    calm = file_for(any_backend, ada, ROUTINE).number
    urgent = file_for(any_backend, ben, URGENT).number
    later = file_for(any_backend, ada, REFERRAL).number
    file_for(any_backend, patient_of(any_backend, house), URGENT)  # somebody's
    own = file_for(any_backend, grey, ROUTINE).number  # colleagues look at it
    assert numbers(house, LIST) == [urgent, later, calm, own]
    assert numbers(grey, LIST) == [urgent, later, calm]
    assert numbers(grey, f"{LIST}&urgency=referral&limit=1") == [later]
    assert not any("patient_email" in row for row in grey.pages(LIST))
    counts = grey.call("GET", "/queue/counts").get_json()["unassigned"]
    assert counts == {"patients": 2, "spots": 3, "urgent": 1}

    assert grey.call("GET", f"/submissions/{urgent}").status_code == 200
    reading = {"action": "record.read", "by": identifier(any_backend, grey)}
    rows = [row for row in any_backend.audit() if reading.items() <= row.items()]
    assert {row["target"] for row in rows} == {
        identifier(any_backend, ada),
        identifier(any_backend, ben),
    }
    body = {"label": "melanoma", "certainty": "sure"}
    refused = sign_review(grey, urgent, body)
    assert refused.status_code == 403  # who decides takes the patient first

    assert take(grey, identifier(any_backend, ben)).status_code == 200
    assert numbers(grey, "/queue?reviewed=false") == [urgent]
    assert numbers(house, LIST) == [later, calm, own]
    assert house.call("GET", f"/submissions/{urgent}").status_code == 404
    review(grey, urgent)
    row = next(row for row in any_backend.audit() if row["action"] == "account.assign")
    assert (row["by"], row["target"]) == (
        identifier(any_backend, grey),
        identifier(any_backend, ben),
    )


def test_of_two_doctors_one_takes_the_patient_and_the_other_reads_who(
    real_backend: Backend,
) -> None:
    doctors = [real_backend.member(role="doctor", name=f"Dr {name}") for name in ("Grey", "House")]
    ben = real_backend.member()
    number = file_for(real_backend, ben, URGENT).number
    stranger = real_backend.member(role="doctor")
    for doctor in doctors:
        assert numbers(doctor, LIST) == [number]
    patient, together = identifier(real_backend, ben), Barrier(2)
    answers: dict[str, Any] = {}

    def take_at_once(doctor: Person) -> None:
        together.wait()
        answers[doctor.email] = take(doctor, patient)

    threads = [Thread(target=take_at_once, args=[doctor]) for doctor in doctors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lost, won = sorted(doctors, key=lambda doctor: answers[doctor.email].status_code)[::-1]
    assert answers[won.email].status_code == 200
    assert answers[lost.email].status_code == 409
    told = answers[lost.email].get_json()
    name = real_backend.account(won.email).name
    assert (told["code"], told["doctor"], name in told["error"]) == ("patient_taken", name, True)
    assert numbers(won, "/queue") == [number]
    assert take(won, patient).status_code == 200  # again, which changes nothing
    assert take(stranger, patient).status_code == 404  # nor does it say who has a patient


def test_the_list_is_for_those_whom_the_setting_names(open_backend: Open) -> None:
    named = open_backend(unassigned_patients="Grey@example.org, nobody@example.org")
    grey = named.member("grey@example.org", role="doctor")
    house = named.member(role="doctor")
    number = file_for(named, named.member(), URGENT).number
    assert numbers(grey, LIST) == [number]
    assert numbers(house, LIST) == []
    assert house.call("GET", "/queue/counts").get_json()["unassigned"] is None
    assert house.call("GET", f"/submissions/{number}").status_code == 404

    closed = open_backend(unassigned_patients="none")
    doctor, patient = closed.member(role="doctor"), closed.member()
    number = file_for(closed, patient, URGENT).number
    assert numbers(doctor, LIST) == []
    overview = closed.member(role="admin").call("GET", "/admin/overview").get_json()
    assert not overview["unassigned"]["listed"], "the admin alone can help"
    assert take(doctor, identifier(closed, patient)).status_code == 404


@pytest.mark.parametrize("lost", ["suspended", "demoted"])
def test_a_lost_role_rests_and_comes_back_with_its_patients(
    any_backend: Backend, lost: str
) -> None:
    grey, house = any_backend.member(role="doctor"), any_backend.member(role="doctor")
    admin = any_backend.admin()
    ada, ben = (patient_of(any_backend, grey) for _ in range(2))
    first, second = (file_for(any_backend, item, URGENT).number for item in (ada, ben))
    path = f"/users/{grey.email}"
    if lost == "suspended":
        admin.call("PATCH", f"{path}/suspend")
    else:
        admin.call("PUT", f"{path}/role", json={"role": "researcher"})
    assert numbers(house, LIST) == [first, second]
    assert take(house, identifier(any_backend, ben)).status_code == 200
    resting = next(row for row in any_backend.audit() if row["action"] == "doctor.rest")
    assert resting["target"] == identifier(any_backend, grey)
    patients = sorted([identifier(any_backend, ada), identifier(any_backend, ben)])
    assert resting["detail"] == f"2 patients: {' '.join(patients)}"
    assert list(check_integrity(any_backend.services)) == []
    me = ada.call("GET", "/me").get_json()
    assert me["doctor"] is None, "who is told to write would be refused"
    assert "doctor_name" not in me

    if lost == "suspended":
        admin.call("PATCH", f"{path}/approve", json={})
    else:
        admin.call("PUT", f"{path}/role", json={"role": "doctor"})
    assert ada.call("GET", "/me").get_json()["doctor"] == grey.email
    back = any_backend.log_in(grey.email)
    assert numbers(back, "/queue") == [first]
    assert numbers(house, LIST) == []
    came = next(row for row in any_backend.audit() if row["action"] == "doctor.return")
    assert came["detail"] == f"1 patient: {identifier(any_backend, ada)}"


def test_a_default_doctor_whose_account_cannot_be_read_is_none(open_backend: Open) -> None:
    named = "grey@example.org"
    backend = open_backend(default_doctor=named, unassigned_patients=named)
    grey = backend.member(role="doctor", email=named)
    rows = backend.services.store.collection("accounts")
    rows.update({"id": identifier(backend, grey)}, {"$unset": {"created_at": True}})
    ready = backend.client.get("/readyz")
    assert (ready.status_code, "DEFAULT_DOCTOR" in ready.text) == (200, True)
    assert backend.admin().call("GET", "/admin/overview").status_code == 200
    ada = backend.member()
    assert ada.call("GET", "/inbox").status_code == 200


@pytest.mark.parametrize(
    "damage",
    [
        {"$set": {"status": "suspendec"}},
        {"$set": {"role": "doctos"}},
        {"$set": {"role": 7}},
        {"$unset": {"created_at": True}},
    ],
)
def test_the_patients_of_a_doctor_whose_account_cannot_be_read_are_in_the_list(
    any_backend: Backend, damage: Any
) -> None:
    grey, house = any_backend.member(role="doctor"), any_backend.member(role="doctor")
    ada = patient_of(any_backend, grey)
    urgent = file_for(any_backend, ada, URGENT).number
    assert numbers(house, LIST) == []
    rows = any_backend.services.store.collection("accounts")
    rows.update({"id": identifier(any_backend, grey)}, damage)
    assert ada.call("GET", "/inbox").status_code == 200, "which notes that it is damaged"
    assert numbers(house, LIST) == [urgent]
    assert house.call("GET", "/queue/counts").get_json()["unassigned"]["urgent"] == 1
    assert predicted(ada)["id"], "and more can be sent"
    assert take(house, identifier(any_backend, ada)).status_code == 200
    assert urgent in numbers(house, "/queue")


@pytest.mark.parametrize("gone", ["suspended", "unassigned", "erased"])
def test_what_a_doctor_who_is_gone_has_left_open_is_in_the_list(
    any_backend: Backend, gone: str
) -> None:
    grey, house = any_backend.member(role="doctor"), any_backend.member(role="doctor")
    admin, ada = any_backend.admin(), patient_of(any_backend, grey)
    result, asked, done = (file_for(any_backend, ada, REFERRAL).number for _ in range(3))
    spot = ada.call("POST", "/lesions", json={"place": {"site": "back"}}).get_json()["id"]
    written = file_for(any_backend, ada, ROUTINE, lesion=spot).number
    sign(grey, result, label="melanoma", sample="waiting")
    for number in (asked, done, written):
        sign(grey, number, label="melanocytic_nevus")
    body = {"colleague": house.email}
    assert grey.call("PUT", f"/submissions/{asked}/second-opinion", json=body).status_code == 200
    given = house.call("POST", f"/submissions/{asked}/opinion", json={"comment": "A mole."})
    assert given.status_code == 201, given.text
    sent = ada.call("POST", f"/conversations/{spot}/messages", json={"text": "It bleeds."})
    assert sent.status_code == 201
    assert numbers(house, LIST) == []
    if gone == "suspended":
        admin.call("PATCH", f"/users/{grey.email}/suspend")
    elif gone == "erased":
        erase(any_backend.services, any_backend.account(grey.email))
    else:
        admin.call("PUT", f"/users/{ada.email}/doctor", json={"doctor": None})
    listed = {item["id"]: item["waits_for"] for item in house.call("GET", LIST).get_json()}
    assert listed == {
        result: ["telling", "result"],  # of a melanoma
        asked: ["opinion"],
        written: ["answer"],
    }
    pages = [item["id"] for item in house.pages(f"{LIST}&limit=1")]
    assert pages == numbers(house, LIST)
    counts = house.call("GET", "/queue/counts").get_json()["unassigned"]
    assert counts == {"patients": 1, "spots": 3, "urgent": 1}
    assert take(house, identifier(any_backend, ada)).status_code == 200
    assert numbers(house, LIST) == []
    [row] = house.pages("/waiting?kind=result")
    assert row["finding"]["id"] == result


@pytest.mark.parametrize("about", ["no spot", "an empty spot", "a deleted spot"])
def test_a_message_about_no_finding_is_listed_without_one(any_backend: Backend, about: str) -> None:
    grey, house = any_backend.member(role="doctor"), any_backend.member(role="doctor")
    ada = patient_of(any_backend, grey)
    reviewed = file_for(any_backend, ada, REFERRAL).number
    sign(grey, reviewed, label="melanocytic_nevus")
    spot = ada.call("POST", "/lesions", json={"place": {"site": "back"}}).get_json()["id"]
    of_patient = f"/conversations/{identifier(any_backend, ada)}/messages"
    path = of_patient if about == "no spot" else f"/conversations/{spot}/messages"
    assert ada.call("POST", path, json={"text": "May I swim?"}).status_code == 201
    if about == "a deleted spot":
        assert ada.call("DELETE", f"/lesions/{spot}").status_code == 200
        path = of_patient
    assert numbers(house, LIST) == []
    any_backend.admin().call("PATCH", f"/users/{grey.email}/suspend")
    listed = house.call("GET", LIST).get_json()
    lesion = spot if about == "an empty spot" else None
    rows = [(item["lesion"], item["finding"], item["waits_for"]) for item in listed]
    assert rows == [(lesion, None, ["answer"])]
    assert house.call("GET", f"/submissions/{reviewed}").status_code == 404
    assert house.call("GET", path).status_code == 404
    assert take(house, identifier(any_backend, ada)).status_code == 200
    [waiting] = house.call("GET", "/messages").get_json()
    assert waiting["lesion"] == lesion
    assert [item["text"] for item in house.call("GET", path).get_json()] == ["May I swim?"]


@pytest.mark.parametrize("other", [False, True], ids=["alone", "with another finding"])
def test_a_spot_whose_urgent_photo_was_deleted_is_listed_and_its_patient_taken(
    any_backend: Backend, other: bool
) -> None:
    """A finding in another spot of the patient does not replace it."""
    house, ada = any_backend.member(role="doctor"), any_backend.member()
    urgent = file_for(any_backend, ada, URGENT)
    more = [file_for(any_backend, ada, ROUTINE).number] if other else []
    assert ada.call("DELETE", f"/submissions/{urgent.number}").status_code == 200
    row, *rest = house.pages(f"{LIST}&limit=1")
    assert (row["lesion"], row["finding"], row["urgency"]) == (urgent.lesion, None, URGENT)
    assert (row["deleted"]["number"], row["waits_for"]) == (urgent.number, ["review"])
    assert [item["id"] for item in rest] == more
    counts = house.call("GET", "/queue/counts").get_json()["unassigned"]
    assert counts == {"patients": 1, "spots": 1 + len(more), "urgent": 1}
    assert house.call("GET", f"/lesions/{urgent.lesion}").get_json()["latest"] is None
    assert take(house, row["patient_id"]).status_code == 200
    assert house.pages(LIST) == []
    first = house.pages("/queue?reviewed=false")[0]
    assert (first["lesion"], first["finding"]) == (urgent.lesion, None)


@pytest.mark.parametrize("gone", ["suspended", "unassigned"])
def test_only_what_stands_in_the_list_is_open(any_backend: Backend, gone: str) -> None:
    grey, house = any_backend.member(role="doctor"), any_backend.member(role="doctor")
    admin, ada, ben = any_backend.admin(), *(patient_of(any_backend, grey) for _ in range(2))
    bodies = [{"place": {"site": site}} for site in ("back", "face")]
    shut, spot = (ada.call("POST", "/lesions", json=body).get_json()["id"] for body in bodies)
    closed, closed_in_spot, of_ben = (
        file_for(any_backend, patient, ROUTINE, lesion=lesion).number
        for patient, lesion in ((ada, None), (ada, shut), (ben, None))
    )
    for number in (closed, closed_in_spot, of_ben):
        sign(grey, number, label="melanocytic_nevus")
    waits = file_for(any_backend, ada, URGENT, lesion=spot).number
    letter = grey.call("POST", f"/submissions/{closed}/letters", json={"reader": "patient"})
    ids = [identifier(any_backend, item) for item in (ada, ben)]
    opened_records, closed_records = (
        [each.path_of_patient(one) for each in READERS] for one in ids
    )
    opens = [f"/submissions/{waits}", f"/lesions/{spot}", *opened_records]
    closes = [*closed_records, f"/lesions/{shut}", f"/patients/{ids[0]}/lesions"]
    for number in (closed, closed_in_spot, of_ben):
        parts = ("", "/reviews", "/letters", "/report.json", "/report.pdf")
        closes += [f"/submissions/{number}{part}" for part in parts]
        closes += [reader.path_of_finding(number) for reader in READERS]
    assert {grey.call("GET", path).status_code for path in opens + closes} == {200}
    if gone == "suspended":
        admin.call("PATCH", f"/users/{grey.email}/suspend")
    else:
        for patient in (ada, ben):
            admin.call("PUT", f"/users/{patient.email}/doctor", json={"doctor": None})
    assert (numbers(house, LIST), letter.status_code) == ([waits], 201)
    assert {house.call("GET", path).status_code for path in opens} == {200}
    answers = {path: house.call("GET", path).status_code for path in closes}
    assert answers == dict.fromkeys(closes, 404)
    for reader in READERS:
        assert reader.list_ids(house, ids[0]) == [[str(waits)], [spot]]
    assert take(house, ids[1]).status_code == 404


def test_the_patient_reads_who_will_look_and_when(open_backend: Open) -> None:
    backend = open_backend(review_within_days=3)
    patient = backend.member()
    path = f"/submissions/{predicted(patient)['id']}"

    def told(language: str = "en") -> Any:
        return patient.call("GET", f"{path}?lang={language}").get_json()["will_look"]

    urgent = file_for(backend, patient, URGENT, photo_blob="kept").number
    assert told()["by"] == "nobody"
    path = f"/submissions/{urgent}"
    due = patient.call("GET", path).get_json()["instruction"]["due"]
    nobody = told()
    assert (nobody["by"], nobody["due"]) == ("nobody", due)
    assert nobody["sentence"].startswith(
        "No doctor here reads this result. Please show the spot to your own doctor by "
    )
    assert told("fr")["sentence"].startswith("Aucun médecin ici ne lit")
    doctor = backend.member(role="doctor", name="Dr Grey")
    assert told()["by"] == "doctors"
    take(doctor, identifier(backend, patient))
    assert told()["by"] == "doctor"
    assert told()["sentence"].endswith(
        "Dr Grey is in charge of this. The answer usually comes within 3 days."
    )
    assert told("fr")["sentence"].endswith("La réponse vient en général dans les 3 jours.")
    backend.edit(doctor.email, status="suspended")
    assert told()["by"] == "nobody"
    backend.edit(doctor.email, status="approved")
    review(doctor, urgent)
    assert "will_look" not in patient.call("GET", path).get_json()


def test_who_has_waited_for_too_long_reads_whom_to_call(open_backend: Open) -> None:
    backend = open_backend(review_within_days=3, clinic_name="Bay Clinic", clinic_phone="061 555")
    _, ada = patient_in_care(backend)
    number = file_for(backend, ada, URGENT, photo_blob="kept").number

    def told(language: str = "en") -> str:
        finding = ada.call("GET", f"/submissions/{number}?lang={language}").get_json()
        return str(finding["will_look"]["sentence"])

    findings = backend.services.store.collection("submissions")
    for days, late in ((2, False), (6, True)):
        past = now() - timedelta(days=days)
        findings.update({"number": number}, {"$set": {"created_at": past}})
        assert ("usually comes" in told()) is not late
        sentence = (
            f"The answer is overdue: please call Bay Clinic (061 555) and give number {number}."
        )
        assert (sentence in told()) is late
    assert "appelez Bay Clinic (061 555)" in told("fr")


@pytest.mark.parametrize("photos", ["consent", "never"])
def test_nobody_is_told_that_a_doctor_looks_at_a_photo_that_is_not_kept(
    open_backend: Open, photos: str
) -> None:
    backend = open_backend(review_within_days=3, photos=photos)
    ada = backend.member()
    backend.member(role="doctor", name="Dr Grey")
    number = predicted(ada, keep_photo="false")["id"]
    for _ in range(2):  # of the clinic's doctors, then of the doctor in charge
        looks = ada.call("GET", f"/submissions/{number}").get_json()["will_look"]
        assert "in charge of this" not in looks["sentence"]
        assert "cannot see the spot: the photo is not kept." in looks["sentence"]
        assert ("let it be kept" in looks["sentence"]) is (photos == "consent")
        doctor = backend.account(backend.member(role="doctor", name="Dr Grey").email).id
        backend.edit(ada.email, doctor_id=doctor)


def test_the_admin_reads_how_many_wait_without_a_doctor(any_backend: Backend) -> None:
    admin, ada, ben = (any_backend.member(role=role) for role in ("admin", "user", "user"))
    any_backend.member(role="doctor")
    for patient, band in ((ada, URGENT), (ada, URGENT), (ben, ROUTINE)):
        file_for(any_backend, patient, band)
    counted = admin.call("GET", "/admin/overview").get_json()["unassigned"]
    figures = {"patients": 2, "spots": 3, "urgent": 2}
    assert counted == {**figures, "listed": True, "has_doctor": True}


def mails_of(backend: Backend, person: Person, kind: str) -> list[Any]:
    found = backend.services.data.outbox.list_to(identifier(backend, person))
    return [(record.about, dict(record.figures)) for record in found if record.kind == kind]


def test_doctors_and_admins_are_mailed_daily_and_when_more_are_urgent(open_backend: Open) -> None:
    backend = open_backend(**MAIL)
    admin, doctor, other = (backend.member(role=role) for role in ("admin", "doctor", "researcher"))
    patient, mail_waiting = backend.member(), backend.services.unassigned.mail_waiting
    mail_waiting()
    assert mails_of(backend, doctor, "without_doctor") == [], "nothing waits"
    for band, urgent in ((ROUTINE, 0), (ROUTINE, 0), (URGENT, 1)):
        file_for(backend, patient, band)
        mail_waiting()
        [(about, figures)] = mails_of(backend, doctor, "without_doctor")
        assert (about, figures["urgent"]) == ("queue?list=unassigned", urgent)
    assert figures["cases"] == 3
    assert mails_of(backend, admin, "without_doctor") == [("overview", figures)]
    assert mails_of(backend, other, "without_doctor") == []
    outbox = backend.services.data.outbox
    outbox.mark_sent(outbox.list_to(identifier(backend, doctor)))
    mail_waiting()
    assert len(mails_of(backend, doctor, "without_doctor")) == 1, "once a day"


def test_a_doctor_is_mailed_when_something_urgent_comes_into_care(open_backend: Open) -> None:
    backend = open_backend(**MAIL)
    admin, doctor = backend.member(role="admin"), backend.member(role="doctor")
    ada, ben = backend.member(), backend.member()
    for patient, band in ((ada, ROUTINE), (ben, ROUTINE), (ben, URGENT)):
        file_for(backend, patient, band)
    mailed = list[int]()
    for patient in (ada, ben):
        admin.call_ok("PUT", f"/users/{patient.email}/doctor", json={"doctor": doctor.email})
        mailed.append(len(mails_of(backend, doctor, "urgent")))
    for act in ("suspend", "approve"):
        admin.call_ok("PATCH", f"/users/{doctor.email}/{act}", json={})
    mailed.append(len(mails_of(backend, doctor, "urgent")))
    assert mailed == [0, 1, 2]


def test_the_photos_of_a_program_wait_for_nobody(any_backend: Backend) -> None:
    doctor = any_backend.member(role="doctor")
    program = made(any_backend.admin(), "/admin/keys", scopes=["findings:write"])[0]
    assert predicted(program)["id"]
    assert numbers(doctor, LIST) == []
    assert any_backend.services.store.collection("waiting").find() == []


class Ward:
    """Doctors and patients whose roles, states and doctors change at random. `expected` holds them.
    A patient whose doctor is not active has no doctor.
    """

    def __init__(self, backend: Backend, seed: int) -> None:
        self.backend, self.draw, self.root = backend, random.Random(seed), backend.admin()
        roles = ["doctor"] * 3 + ["user"] * 3
        self.people = [backend.member(role=role) for role in roles]
        self.spots = {item.email: file_for(backend, item, URGENT).number for item in self.people}
        self.roles = dict(zip(self.spots, roles, strict=True))
        self.suspended, self.doctors = set[str](), dict[str, str | None]()
        for patient, doctor in zip(self.people[3:], self.people, strict=False):
            body = {"doctor": doctor.email}
            self.root.call_ok("PUT", f"/users/{patient.email}/doctor", json=body)
            self.doctors[patient.email] = doctor.email

    def is_active(self, email: str | None) -> bool:
        return email not in self.suspended and self.roles.get(email or "") == "doctor"

    def go_on(self) -> None:
        email, other = (self.draw.choice([*self.spots]) for _ in "12")
        act = self.draw.choice(["suspend", "approve", "role", "doctor", "take"])
        if act in ("suspend", "approve"):
            self.root.call_ok("PATCH", f"/users/{email}/{act}", json={})
            (self.suspended.add if act == "suspend" else self.suspended.discard)(email)
        elif act == "role":
            self.roles[email] = self.draw.choice(["doctor", "doctor", "user", "researcher"])
            self.root.call_ok("PUT", f"/users/{email}/role", json={"role": self.roles[email]})
        elif act == "doctor":
            doctor = self.draw.choice([None, other])
            answer = self.root.call("PUT", f"/users/{email}/doctor", json={"doctor": doctor})
            may = doctor is None or (self.is_active(doctor) and doctor != email)
            assert (answer.status_code == 200) == may
            if may:
                self.doctors[email] = doctor
        elif self.is_active(other) and email != other:
            patient = self.backend.account(email).id
            took = take(self.person(other), patient).status_code == 200
            free = not self.is_active(self.doctors.get(email))
            assert took == (free or self.doctors[email] == other)
            if free:
                self.doctors[email] = other

    def person(self, email: str) -> Person:
        [person] = [item for item in self.people if item.email == email]
        person.token = self.backend.token_of(self.backend.account(email))
        return person

    def check(self) -> None:
        active = [email for email in self.spots if self.is_active(email)]
        in_care = {email: self.doctors.get(email) for email in self.spots}
        free = {email for email, doctor in in_care.items() if not self.is_active(doctor)}
        for email in active:
            doctor = self.person(email)
            queue = {row["id"] for row in doctor.pages("/queue?reviewed=false")}
            assert queue == {self.spots[one] for one, who in in_care.items() if who == email}
            listed = {row["id"] for row in doctor.pages(LIST)}
            assert listed == {self.spots[one] for one in free - {email}}
        counted = self.root.call("GET", "/admin/overview").get_json()["unassigned"]
        assert (counted["patients"], counted["spots"]) == (len(free), len(free))
        rows = self.root.pages("/accounts?status=unassigned")
        assert {row["email"] for row in rows} == free


@pytest.mark.parametrize("seed", range(3))
def test_each_spot_is_in_an_active_doctors_queue_or_in_the_list(
    real_backend: Backend, seed: int
) -> None:
    ward = Ward(real_backend, seed)
    for _ in range(25):
        ward.go_on()
        ward.check()
    assert [*check_integrity(real_backend.services)] == []
