from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys

from skinapi.findings.records.new_findings import NewFinding
from skinapi.model.context import Context
from tests.console.journey import Journey, Look, file_of, looks
from tests.console.visitor import Visitor
from tests.served.people import Caller, Seeder
from tests.served.photo_clients import ANGULAR
from tests.served.server import Server, serving
from tests.support.access import SECTIONS
from tests.support.findings import finding_of
from tests.support.photos import UNCERTAIN, photo_in, photo_of

# The rows of findings, without the headings between them.
FIRST, SECOND = (f":nth-child({nth} of .finding-row)" for nth in (1, 2))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, settings: dict[str, str]) -> Iterator[Server]:
    alone = {**settings, "UNASSIGNED_PATIENTS": "none"}
    with serving(tmp_path_factory.mktemp("doctor"), alone, workers=1) as server:
        yield server


@pytest.fixture
def doctor(seeder: Seeder) -> Caller:
    doctor = seeder.person("doctor")
    spots = (photo_of("melanocytic_nevus", (600, 450)), photo_of("melanoma", (600, 450)))
    for photo in (*spots, photo_in(UNCERTAIN, (600, 450))):
        send_for(doctor, seeder, photo)
    return doctor


def send_for(doctor: Caller, seeder: Seeder, photo: bytes) -> None:
    patient = seeder.person()
    seeder.services.decisions.assign_doctor(email=patient.email, doctor=doctor.email, by="admin")
    send_as(patient, seeder, photo)


def send_as(patient: Caller, seeder: Seeder, photo: bytes) -> None:
    consent = patient.call("PUT", "/me/consents", json={"photos": True})
    assert consent.status == 200
    sent = ANGULAR.send(seeder.server.port, photo, token=patient.token)
    assert sent.status == 200


@pytest.mark.parametrize("look", looks(2), ids=str)
def test_the_queue_is_worked_off_the_most_urgent_first(
    visitor: Visitor, doctor: Caller, look: Look
) -> None:
    journey = Journey(visitor, "doctor", look)
    visitor.enter(doctor, "doctor")
    open_the_most_urgent(journey)
    agree(journey)
    take_the_next_one_under_another_label(journey)
    assert labels(doctor) == {None: 1, "melanoma": 2}


def labels(doctor: Caller) -> dict[Any, int]:
    found = [row["id"] for row in doctor.call("GET", "/queue").json]
    reviews = [doctor.call("GET", f"/submissions/{record}/reviews").json for record in found]
    said = [of_one[0]["label"] if of_one else None for of_one in reviews]
    return {item: said.count(item) for item in said}


def open_the_most_urgent(journey: Journey) -> None:
    visitor = journey.visitor
    visitor.find(f"{FIRST} .band-urgent_referral")
    visitor.find(f"{FIRST}.current")
    visitor.find("img.thumb")
    journey.step("queue")
    if journey.on_phone:
        visitor.press(f"{FIRST} a")
    else:
        visitor.keys("j")
        visitor.find(f"{SECOND}.current")
        visitor.keys("k")
        visitor.find(f"{FIRST}.current")
        visitor.keys("o")
    visitor.find(".band-urgent_referral h1")
    journey.step("case")
    visitor.slide(".heat-photo input", Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    journey.press("heatMap")
    visitor.find(".heat-photo canvas")
    journey.step("heat-map")


def agree(journey: Journey) -> None:
    visitor = journey.visitor
    if journey.on_phone:
        visitor.press("input[name=agreement][value=agree]")
    else:
        visitor.keys("a")
        visitor.find("[value=agree]:checked:focus")
        visitor.keys("n")
        visitor.find("textarea:focus")
    visitor.find("textarea[name=note]").send_keys("Excision advised.")
    journey.step("review")
    journey.press("sign")
    visitor.see("Excision advised.")
    visitor.find(".next-case.primary:focus")
    journey.step("signed")
    journey.press("pdfReport")
    visitor.await_answer(f"/report.pdf?lang={journey.language}")
    if journey.on_phone:
        journey.press("nextCase")
    else:
        visitor.keys("j")
    visitor.find(".case .band-referral h1")
    assert visitor.count("[name=agreement]:checked") == 0
    visitor.see_none("Excision advised.")


def take_the_next_one_under_another_label(journey: Journey) -> None:
    visitor = journey.visitor
    visitor.press("input[name=agreement][value=disagree]")
    visitor.press("input[name=label][value=melanoma]")
    visitor.choose("sample", "waiting")
    journey.step("another-label")
    journey.press("sign")
    visitor.find(".case .verdict.decided h1")  # what the review says stands first, at once
    visitor.press(".top a[href='#/queue']")
    visitor.await_truth(lambda: visitor.count(".case") == 0, "the list alone")
    visitor.see_none(journey.say("signed"))
    visitor.find(FIRST)
    visitor.choose("which-list", "reviewed")
    visitor.find(SECOND)
    journey.step("reviewed")


# Where the pictures are, and how far the first is scrolled of what it can be.
FRAMES = """
return [...document.querySelectorAll(".photo-frame")].map((frame) => {
  const { left, top, right } = frame.getBoundingClientRect();
  const hidden = frame.scrollWidth - frame.clientWidth;
  return { left, top, right, scrolled: hidden && frame.scrollLeft / hidden };
});
"""


def test_a_case_shows_the_photo_first_and_no_key_changes_a_label_unseen(
    visitor: Visitor, doctor: Caller
) -> None:
    """The heat map once covered the lesion, the zoom showed a corner, and `a` after `d` was read as
    the beginning of a label.
    """
    number = doctor.call("GET", "/queue").json[0]["id"]
    visitor.look()
    visitor.enter(doctor, "doctor")
    visitor.go(f"case/{number}")
    visitor.find(".heat-photo img")
    assert visitor.count(".heat-photo canvas") == 0
    [before] = visitor.run(FRAMES)
    visitor.press(".looking button")
    visitor.find(".heat-photo canvas")
    [photo] = visitor.run(FRAMES)  # the heat map lies over it
    assert (photo["left"], photo["right"]) == (before["left"], before["right"])
    visitor.slide(".heat-photo input", *[Keys.ARROW_RIGHT] * 4)
    assert visitor.run(FRAMES)[0]["scrolled"] == pytest.approx(0.5, abs=0.02)
    visitor.press(".looking button")
    visitor.await_truth(lambda: visitor.count(".heat-photo canvas") == 0, "the photo alone")
    visitor.keys("d")
    visitor.find("input[name=label]")
    visitor.keys("a")
    visitor.find("[value=agree]:checked")
    assert visitor.find("[name=urgency]").text.count("Urgent referral") == 1
    assert visitor.count("input[name=label]") == 0
    assert "Urgent referral" in visitor.find(".signing").text
    visitor.keys("u")
    visitor.find("input[name=label]")
    visitor.find("select[name=sample]").send_keys("a", "d", "n", "j")
    assert visitor.count("[value=unsure]:checked") == 1
    assert visitor.run("return location.hash") == f"#/case/{number}"
    visitor.assert_quiet()


def file_scored(seeder: Seeder, patient: Caller, score: float) -> int:
    findings = seeder.services.findings
    new = NewFinding(
        owner=patient.id,
        language="en",
        sections=dict.fromkeys(SECTIONS, "said"),
        narrative_source={"writer": "template"},
        finding=finding_of(malignant_score=score),
        context=Context(),
    )
    number = findings.records.take_number()
    return findings.file(new, findings.records.prepare(new, number=number)).number


def test_the_next_case_is_the_most_urgent_that_waits_whoever_it_is_of(
    visitor: Visitor, seeder: Seeder
) -> None:
    """The list groups Ada's two findings, and shows Bob's below them."""
    doctor = seeder.person("doctor")
    ada, bob = (seeder.person(doctor_id=doctor.id) for _ in range(2))
    first, third = (file_scored(seeder, ada, score) for score in (0.99, 0.63))
    second = file_scored(seeder, bob, 0.66)
    visitor.look()
    visitor.enter(doctor, "doctor")
    visitor.go("queue")
    visitor.find(f"[data-number='{third}']")
    rows = "return [...document.querySelectorAll('[data-number]')].map((row) => row.dataset.number)"
    assert visitor.run(rows) == [str(first), str(third), str(second)]
    visitor.go(f"case/{first}")
    for number, then in ((first, second), (second, third)):
        visitor.find(f"#review, .case a[href='#/patients/{ada.id}']")
        visitor.press("input[name=agreement][value=unsure]")
        visitor.press("label:has([name=label][value=''])")
        visitor.press_button("Sign, next case")
        visitor.find(f"[data-number='{then}'][aria-current]")
        assert doctor.call("GET", f"/submissions/{number}/reviews").json


def test_a_case_that_was_passed_comes_again_only_at_the_end_of_the_list(
    visitor: Visitor, seeder: Seeder
) -> None:
    doctor = seeder.person("doctor")
    ada = seeder.person(doctor_id=doctor.id)
    passed, signed, last = (file_scored(seeder, ada, score) for score in (0.99, 0.8, 0.63))
    visitor.look()
    visitor.enter(doctor, "doctor")
    visitor.go(f"case/{passed}")
    visitor.find("#review")
    visitor.keys("j")
    for number, then in ((signed, last), (last, passed)):
        visitor.find(f"[data-number='{number}'][aria-current]")
        visitor.find("#review[aria-busy=false]")
        visitor.press("input[name=agreement][value=agree]")
        visitor.press_button("Sign, next case")
        visitor.find(f"[data-number='{then}'][aria-current]")


def test_a_doctor_takes_a_photo_of_a_patient_and_none_of_the_doctor_from_the_menu(
    visitor: Visitor, seeder: Seeder, tmp_path: Path
) -> None:
    doctor = seeder.person("doctor", birth_year=1940, sex="male")
    ada = seeder.person(doctor_id=doctor.id, birth_year=2001, sex="female")
    mole = file_of(tmp_path, "mole.jpg", photo_of("melanocytic_nevus", (600, 450)))
    visitor.look()
    visitor.enter(doctor, "doctor")
    visitor.find(".top a[href='#/queue']")
    assert visitor.count(".top a[href='#/check']") == 0
    visitor.go(f"patients/{ada.id}")
    visitor.press_button("New photo of this patient")
    visitor.see("You file this photo for")
    visitor.hand_in("photo", mole)
    visitor.answer("keep_photo", "true")
    visitor.press_button("Send the photo")
    visitor.find(".case .verdict h1")
    [found] = doctor.call("GET", "/queue").json
    assert (found["patient_id"], found["age_band"]) == (ada.id, "0-29")
    visitor.press_button("New photo of this patient")
    visitor.see("You file this photo for")
    assert doctor.call("GET", "/submissions").json == []
    visitor.assert_quiet()


def test_a_finding_that_cannot_be_read_is_said_above_the_queue(
    visitor: Visitor, doctor: Caller, seeder: Seeder
) -> None:
    number = doctor.call("GET", "/queue").json[0]["id"]
    rows = seeder.services.store.collection("submissions")
    assert rows.update({"number": number}, {"$unset": {"created_at": True}})
    visitor.enter(doctor, "doctor")
    visitor.find(FIRST)
    assert "A part of this cannot be shown" in visitor.find("main > .message").text
