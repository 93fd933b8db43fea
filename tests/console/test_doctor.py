"""A doctor's way through the console: the queue, a case, its review, the next one."""

from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys

from skinapi.base.languages import LANGUAGES
from tests.console.journey import Journey, Look, looks
from tests.console.visitor import Visitor
from tests.served.people import Caller, Seeder
from tests.served.photo_clients import ANGULAR
from tests.support.photos import COLOURS, UNCERTAIN, photo_in, photo_of

# The rows of findings, without the headings between them.
FIRST, SECOND = (f":nth-child({nth} of .finding-row)" for nth in (1, 2))


@pytest.fixture
def doctor(seeder: Seeder) -> Caller:
    """With three patients, whose findings differ in urgency."""
    doctor = seeder.person("doctor")
    spots = (photo_of("melanocytic_nevus", (600, 450)), photo_of("melanoma", (600, 450)))
    for photo in (*spots, photo_in(UNCERTAIN, (600, 450))):
        send_for(doctor, seeder, photo)
    return doctor


def send_for(doctor: Caller, seeder: Seeder, photo: bytes) -> None:
    """A photo of another patient of this doctor."""
    patient = seeder.person()
    seeder.services.decisions.assign_doctor(email=patient.email, doctor=doctor.email, by="admin")
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
    filter_by_urgency(journey)
    open_the_most_urgent(journey)
    agree(journey)
    take_the_next_one_under_another_label(journey)
    look_at_the_patients(journey, doctor)
    assert labels(doctor) == {None: 1, "agree": 1, "disagree": 1}


def labels(doctor: Caller) -> dict[Any, int]:
    """How many findings of the queue have which agreement."""
    found = [row["id"] for row in doctor.call("GET", "/queue").json]
    reviews = [doctor.call("GET", f"/submissions/{one}/reviews").json for one in found]
    said = [of_one[0]["agreement"] if of_one else None for of_one in reviews]
    return {one: said.count(one) for one in said}


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
    visitor.press("[name=teller][value=server]")
    visitor.find("textarea[name=note]").send_keys("Excision advised.")
    journey.step("review")
    journey.press("sign")
    visitor.see("Excision advised.")
    visitor.find(".next-case.primary:focus")
    journey.step("signed")
    for language in LANGUAGES:
        journey.press(f"pdf_{language}")
        visitor.await_answer(f"/report.pdf?lang={language}")
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
    visitor.choose("histology", "awaited")
    visitor.press("[name=teller][value=server]")
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
    visitor.choose("which-list", "teach")
    if not journey.on_phone:
        journey.see("toTeachText")
    visitor.find(f"{FIRST} .band-referral, {FIRST} .band-doctor_review, {FIRST} .band-routine")
    journey.see("teachesNothing")
    journey.step("to-teach")


def filter_by_urgency(journey: Journey) -> None:
    visitor = journey.visitor
    visitor.choose("which-urgency", "routine")
    journey.see("noneOfUrgency")
    visitor.choose("which-urgency", "doctor_review")
    visitor.find(f"{FIRST} .band-doctor_review")
    assert visitor.count(".list .band-urgent_referral") == 0
    journey.step("one-urgency")
    visitor.choose("which-urgency", "")
    visitor.find(f"{FIRST} .band-urgent_referral")
    visitor.run("document.activeElement.blur()")  # in a list of choices, j is a letter


def find_by_name(journey: Journey, doctor: Caller) -> None:
    visitor = journey.visitor
    email = str(doctor.call("GET", "/patients").json[1]["email"])
    visitor.find("[type=search]").send_keys(email.upper())
    visitor.await_truth(lambda: visitor.count(".list > li") == 1, "one patient")
    visitor.find(".list a[href^='#/patients/']")
    journey.step("found")
    visitor.find("[type=search]").send_keys("zzz")
    journey.see("searchEmpty")
    visitor.find("[type=search]").clear()
    visitor.find("[type=search]").send_keys(" ")
    visitor.find(".list > li:nth-child(2)")


def look_at_the_patients(journey: Journey, doctor: Caller) -> None:
    visitor = journey.visitor
    visitor.press(".top a[href='#/patients']")
    visitor.find(".list .badge")
    journey.step("patients")
    find_by_name(journey, doctor)
    journey.press("allFindings", within="list")
    visitor.find(f"{FIRST} .sign-of")
    journey.step("patient")


# The queue is read again as if its ten seconds went by at once.
HURRY = """
const wait = setTimeout;
window.setTimeout = (act, ms) => wait(act, ms === 10000 ? 100 : ms);
"""
CURSOR = "return document.querySelector('.cases .current a').dataset.number"
DRAWN = "return [...document.querySelectorAll('.cases .cover')].map((link) => link.dataset.number)"
FOCUSED = "return document.activeElement.dataset.number"
HASH = "return location.hash"
# Where the pictures are, and how far the first is scrolled of what it can be.
FRAMES = """
return [...document.querySelectorAll(".photo-frame")].map((frame) => {
  const { left, top, right } = frame.getBoundingClientRect();
  const hidden = frame.scrollWidth - frame.clientWidth;
  return { left, top, right, scrolled: hidden && frame.scrollLeft / hidden };
});
"""


def test_the_queue_has_one_cursor_which_stays_at_its_finding(
    visitor: Visitor, seeder: Seeder, doctor: Caller
) -> None:
    """With the focus on one patient, `o` opened the case of another."""
    visitor.look()
    visitor.enter(doctor, "doctor")
    visitor.run(HURRY)
    visitor.go("queue?list=all")
    visitor.go("queue")
    visitor.find(":nth-child(3 of .finding-row)")
    visitor.find(f"{SECOND} a").send_keys(Keys.TAB)
    number = str(doctor.call("GET", "/queue").json[2]["id"])
    visitor.await_truth(lambda: visitor.run(CURSOR) == number, "the cursor to follow the focus")
    send_for(doctor, seeder, photo_of("melanoma", (600, 450)))
    visitor.find(":nth-child(4 of .finding-row)")
    assert visitor.run(CURSOR) == visitor.run(FOCUSED) == number
    visitor.keys("o")
    visitor.find("#review")
    assert visitor.run(HASH) == f"#/case/{number}"
    both = send_one_more_of_the_first_patient(doctor, seeder)
    assert len({row["patient_id"] for row in doctor.call("GET", "/queue").json[:2]}) == 2
    see_them_together_and_go_on_by_keys(visitor, both)
    brought, waiting = bring_an_opinion_about_one_of_two_moles(doctor, seeder)
    visitor.go("queue?list=all")
    visitor.go("queue")
    visitor.find(f"{FIRST} a[data-number='{brought}']")
    assert visitor.run(DRAWN)[-1] == waiting, "below whoever is more urgent"


def bring_an_opinion_about_one_of_two_moles(doctor: Caller, seeder: Seeder) -> list[str]:
    """The numbers of both, which are of one patient."""
    colleague, patient = seeder.person("doctor"), seeder.person()
    seeder.services.decisions.assign_doctor(email=patient.email, doctor=doctor.email, by="admin")
    photos = (photo_of("melanocytic_nevus", (600, 450)) for _ in range(2))
    sent = [ANGULAR.send(seeder.server.port, photo, token=patient.token) for photo in photos]
    brought, waiting = (str(one.json["id"]) for one in sent)
    path, said = f"/submissions/{brought}", {"label": "melanocytic_nevus", "certainty": "sure"}
    asked = doctor.call("PUT", f"{path}/second-opinion", json={"colleague": colleague.email})
    assert asked.acknowledged
    assert colleague.call("POST", f"{path}/review", json=said).acknowledged
    return [brought, waiting]


def send_one_more_of_the_first_patient(doctor: Caller, seeder: Seeder) -> list[str]:
    """The numbers of the first finding of the queue, and of a less probable melanoma of the same
    patient.
    """
    first = doctor.call("GET", "/queue").json[0]
    patient = seeder.caller(first["patient_id"], first["patient_email"])
    between = zip(COLOURS["melanoma"], COLOURS["melanocytic_nevus"], strict=True)
    photo = photo_in(tuple((a + b) // 2 for a, b in between), (600, 450))
    sent = ANGULAR.send(seeder.server.port, photo, token=patient.token)
    return [str(first["id"]), str(sent.json["id"])]


def see_them_together_and_go_on_by_keys(visitor: Visitor, both: list[str]) -> None:
    """Others of the queue are graver than the second of them."""
    visitor.go("queue")
    visitor.find(".list > .finding-row:nth-child(2) .cover small")
    first, second, *others = visitor.run(DRAWN)
    assert [first, second] == both
    assert len(others) == len({*others} - {*both}) == 3
    assert "2" in visitor.find(".list > .finding-row .cover small").text
    assert "Melanoma" in visitor.find(f"{FIRST} .said").text
    visitor.run("document.querySelector('.cases .cover').focus()")
    visitor.keys("j")
    visitor.await_truth(lambda: visitor.run(CURSOR) == second, "the other one of the patient")
    visitor.keys("k")
    visitor.keys("o")
    visitor.find(".next-case")
    visitor.await_truth(lambda: visitor.run(HASH) == f"#/case/{first}", "the first")

    def goes_on() -> bool:
        """The key does nothing before the console knows which case is next."""
        visitor.keys("j")
        return bool(visitor.run(HASH) == f"#/case/{second}")

    visitor.await_truth(goes_on, "the same patient's")


def test_a_case_shows_the_photo_first_and_no_key_changes_a_label_unseen(
    visitor: Visitor, doctor: Caller
) -> None:
    """The heat map lay over the lesion unasked, the zoom showed a corner, and `a` after `d` was
    taken as the beginning of a label.
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
    select = visitor.find("select[name=histology]")
    chosen = select.get_attribute("value")
    select.send_keys("a", "d", "n", "j")
    assert select.get_attribute("value") == chosen
    assert visitor.run("return location.hash") == f"#/case/{number}"
    visitor.assert_quiet()


# What of the photo is under a point of the frame, as shares of both, and how near it is: of what is
# in sight as a whole.
PLACE = """
const frame = document.querySelector(".photo-frame");
const photo = frame.querySelector("img");
const whole = (frame.offsetHeight * photo.naturalWidth) / photo.naturalHeight;
const share = (scrolled, shown, whole) => (scrolled + 0.25 * shown) / whole;
return [
  photo.offsetWidth / Math.min(frame.offsetWidth, whole),
  share(frame.scrollLeft, frame.clientWidth, frame.scrollWidth),
  share(frame.scrollTop, frame.clientHeight, frame.scrollHeight),
];
"""
