from collections.abc import Callable
from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys

from tests.console.journey import Journey, Look, looks
from tests.console.test_case_keys import HOLD_CASE
from tests.console.test_review import sign
from tests.console.test_spots import send
from tests.console.visitor import DESKTOP, Visitor
from tests.served.people import Caller, Seeder

TELLING = "queue?list=telling"
HOLD_COUNTS = HOLD_CASE.replace("/case", "/queue/counts")
FOCUSED = "return document.activeElement.textContent"


@pytest.fixture
def doctor(seeder: Seeder) -> Caller:
    return seeder.person("doctor", name="Dr Vane")


@pytest.fixture
def add_patient(seeder: Seeder, doctor: Caller) -> Callable[..., Caller]:
    def add(name: str, **fields: Any) -> Caller:
        patient = seeder.person(name=name, **fields)
        assert patient.call("PUT", "/me/consents", json={"photos": True}).status == 200
        decisions = seeder.services.decisions
        decisions.assign_doctor(email=patient.email, doctor=doctor.email, by="admin")
        return patient

    return add


def waiting(doctor: Caller, kind: str) -> list[str]:
    return [row["patient_name"] for row in doctor.call("GET", f"/waiting?kind={kind}").json]


@pytest.mark.parametrize("look", looks(1), ids=str)
def test_a_patient_who_was_told_leaves_the_list_to_tell(
    visitor: Visitor, doctor: Caller, add_patient: Callable[..., Caller], look: Look
) -> None:
    for name, phone in (("Ada", "+33 1 23 45 67 89"), ("Bob", None)):
        number = send(add_patient(name, phone=phone), "melanoma")
        sign(doctor, number, label="melanoma")
    journey = Journey(visitor, "to-tell", look)
    visitor.enter(doctor, "doctor")
    visitor.choose("which-list", "telling")
    visitor.find(".finding-row a[href='tel:+33123456789']")
    assert visitor.count(".finding-row a[href^='mailto:']") == 2
    visitor.assert_accessible()
    journey.step("list")
    visitor.press_in_row("Ada", journey.say("markTold"))
    visitor.see(journey.say("markedTold"))
    visitor.await_truth(lambda: visitor.count(".finding-row") == 1, "the row to go")
    assert "Bob" in visitor.read(".finding-row")
    assert waiting(doctor, "telling") == ["Bob"]
    journey.step("told")


def test_a_patient_is_marked_as_told_by_keyboard(
    visitor: Visitor, doctor: Caller, add_patient: Callable[..., Caller]
) -> None:
    """The focus stays in the list, on the next row."""
    for name in ("Ada", "Bob"):
        sign(doctor, send(add_patient(name), "melanoma"), label="melanoma")
    journey = Journey(visitor, "to-tell-keys", Look(DESKTOP, dark=False, language="en"))
    visitor.enter(doctor, "doctor")
    visitor.go(TELLING)
    visitor.find(".finding-row.current")
    visitor.assert_accessible()
    visitor.keys("j")
    first = visitor.run(FOCUSED)
    visitor.keys("k")
    other = visitor.run(FOCUSED)
    assert {first, other} == {"Ada", "Bob"}
    visitor.keys(Keys.TAB, Keys.TAB)
    assert visitor.run(FOCUSED) == journey.say("markTold")
    visitor.keys(Keys.ENTER)
    visitor.await_truth(lambda: visitor.count(".finding-row") == 1, "the row to go")
    visitor.await_truth(lambda: visitor.run(FOCUSED) == first, "the focus on the row that is left")
    assert waiting(doctor, "telling") == [first]


def test_a_doctor_reads_why_a_patient_could_not_be_marked_as_told(
    visitor: Visitor, seeder: Seeder, doctor: Caller, add_patient: Callable[..., Caller]
) -> None:
    patient = add_patient("Ada")
    sign(doctor, send(patient, "melanoma"), label="melanoma")
    visitor.look()
    visitor.enter(doctor, "doctor")
    visitor.go(TELLING)
    visitor.find(".reach button")
    visitor.go_offline(True)
    visitor.press(".reach button")
    visitor.see("The server cannot be reached.")
    visitor.go_offline(False)
    assert waiting(doctor, "telling") == ["Ada"]
    visitor.press(".reach button")
    visitor.await_truth(lambda: visitor.count(".finding-row") == 0, "the row to go")
    assert waiting(doctor, "telling") == []


@pytest.mark.parametrize("look", looks(2), ids=str)
def test_a_spot_that_has_changed_is_read_again_before_its_patient_is_marked_as_told(
    visitor: Visitor, doctor: Caller, add_patient: Callable[..., Caller], look: Look
) -> None:
    number = send(add_patient("Ada"), "melanoma")
    sign(doctor, number, label="basal_cell_carcinoma", urgency="referral")
    journey = Journey(visitor, "told-changed", look)
    visitor.enter(doctor, "doctor")
    visitor.go(TELLING)
    before = visitor.read(".finding-row .said")
    visitor.run(HOLD_COUNTS)  # the list is not read again meanwhile
    sign(doctor, number, label="melanoma")
    visitor.press(".reach button")
    visitor.see(journey.say("notMarkedTold"))
    visitor.assert_quiet(expected=("/told",))
    journey.step("refused")
    visitor.run("window.go_on()")
    visitor.await_truth(lambda: visitor.read(".finding-row .said") != before, "the row as it is")
    assert waiting(doctor, "telling") == ["Ada"]
    visitor.press(".reach button")
    visitor.await_truth(lambda: visitor.count(".finding-row") == 0, "the row to go")
    assert waiting(doctor, "telling") == []


def test_the_number_of_another_system_says_how_to_reach_its_patient(
    visitor: Visitor, seeder: Seeder, doctor: Caller, add_patient: Callable[..., Caller]
) -> None:
    patient = add_patient("Ada")
    number = send(patient, "melanoma")
    sign(doctor, number, label="melanoma")
    uids = dict.fromkeys(("study_uid", "series_uid", "sop_class_uid", "sop_instance_uid"), "1")
    account = {"external": "hash", "sent_by": "Archive", "email": f"{patient.id}@records.invalid"}
    for collection, named, fields in (
        ("accounts", {"id": patient.id}, account),
        ("submissions", {"number": number}, {"source": {"patient_id": "P-7", **uids}}),
    ):
        seeder.services.store.collection(collection).update(named, {"$set": fields})
    visitor.look()
    visitor.enter(doctor, "doctor")
    visitor.go(TELLING)
    shown = visitor.read(".reach")
    assert "P-7" in shown
    assert "Archive" in shown
    assert visitor.count("a[href^='mailto:']") == 0  # that is no address
    visitor.assert_accessible()
    visitor.assert_nothing_overflows()


@pytest.mark.parametrize("look", looks(2), ids=str)
def test_the_start_page_has_one_line_for_each_kind_that_is_overdue(
    visitor: Visitor,
    seeder: Seeder,
    doctor: Caller,
    add_patient: Callable[..., Caller],
    look: Look,
) -> None:
    """A message to a suspended patient is overdue at once."""
    ada, bob = add_patient("Ada"), add_patient("Bob")
    for patient in (ada, bob):
        sign(doctor, send(patient, "melanoma"), label="melanoma")
    admin = seeder.person("admin")
    assert admin.call("PATCH", f"/users/{ada.email}/suspend").status == 200
    journey = Journey(visitor, "overdue", look)
    visitor.enter(doctor, "doctor")
    visitor.find(".overdue-kinds")
    [line] = visitor.read_all(".overdue-kinds li")
    assert line.startswith(journey.say("waiting_telling"))
    assert line.endswith(journey.say("countOverdue", count="1"))
    journey.step("start")
    visitor.press(".overdue-kinds a")
    visitor.find(".finding-row .reach")
    assert visitor.run("return location.hash") == f"#/{TELLING}"
    assert visitor.count(".overdue-kinds") == 0
    first, second = visitor.read_all(".finding-row")
    assert "Ada" in first
    assert journey.say("overdue") in first
    assert journey.say("overdue") not in second
    journey.step("list")
    visitor.enter(admin, "admin")
    visitor.see(line)
    visitor.see("Dr Vane")
    journey.step("overview")


@pytest.mark.parametrize("look", looks(3), ids=str)
def test_each_list_holds_what_waits_for_its_kind(
    visitor: Visitor, doctor: Caller, add_patient: Callable[..., Caller], look: Look
) -> None:
    reviews: dict[str, dict[str, Any]] = {
        "Rita": {"label": "melanoma", "certainty": "suspected", "sample": "waiting"},
        "Paul": {"photo_wanted": True},
        "Vera": {"label": "melanoma"},
    }
    for name, review in reviews.items():
        sign(doctor, send(add_patient(name), "melanocytic_nevus"), **review)
    writer = add_patient("Anna")
    sign(doctor, send(writer, "melanocytic_nevus"))
    [spot] = writer.call("GET", "/lesions").json
    said = {"text": "It itches."}
    assert writer.call("POST", f"/conversations/{spot['id']}/messages", json=said).status == 201
    journey = Journey(visitor, "lists", look)
    visitor.enter(doctor, "doctor")
    expected = {"result": "Rita", "photo": "Paul", "visit": "Vera", "answer": "Anna"}
    for kind, name in expected.items():
        visitor.choose("which-list", kind)
        label = f"{journey.say(f'waiting_{kind}')} (1)"
        visitor.await_truth(lambda: names(visitor) == [name], f"the list {kind}")  # noqa: B023
        assert label in visitor.read("select[name=which-list]")
        journey.step(kind)
    visitor.go("patients")
    for kind in ("result", "photo", "visit"):
        visitor.find(f".patients a[href='#/queue?list={kind}']")
    journey.step("patients")


def names(visitor: Visitor) -> list[str]:
    return visitor.read_all(".finding-row .cover")


def test_what_waits_without_a_finding_opens_the_patient(
    visitor: Visitor, doctor: Caller, add_patient: Callable[..., Caller]
) -> None:
    """A patient without any photo has sent a message, and only the level of a spot is left."""
    anna, ada = add_patient("Anna"), add_patient("Ada")
    said = {"text": "Which camera do I need?"}
    assert anna.call("POST", f"/conversations/{anna.id}/messages", json=said).status == 201
    number = send(ada, "melanoma")
    sign(doctor, number, label="melanoma")
    assert ada.call("DELETE", f"/submissions/{number}").status == 200
    visitor.look()
    visitor.enter(doctor, "doctor")
    visitor.go("queue?list=answer")
    assert visitor.read(".finding-row .cover") == "Anna"
    visitor.press(".finding-row .cover")
    visitor.see("Which camera do I need?")
    visitor.go(TELLING)
    assert "Urgent referral" in visitor.read(".finding-row")
    visitor.assert_accessible()
    visitor.press(".reach button")
    visitor.await_truth(lambda: visitor.count(".finding-row") == 0, "the row to go")
    assert waiting(doctor, "telling") == []


def test_an_urgent_spot_without_photos_stays_in_the_queue_under_its_urgency(
    visitor: Visitor, doctor: Caller, add_patient: Callable[..., Caller]
) -> None:
    ada, bob = add_patient("Zita Removed"), add_patient("Yves Kept")
    number = send(ada, "melanoma")
    spot = ada.call("GET", f"/submissions/{number}").json["lesion"]
    assert ada.call("DELETE", f"/submissions/{number}").status == 200
    send(bob, "melanocytic_nevus")
    journey = Journey(visitor, "removed", Look(DESKTOP, dark=False, language="en"))
    visitor.enter(doctor, "doctor")

    def read_own() -> list[str]:
        """Other tests leave patients without a doctor, whose rows are on this page too."""
        rows = visitor.read_all(".cases .finding-row")
        return [row for row in rows if "Zita Removed" in row or "Yves Kept" in row]

    visitor.await_truth(lambda: len(read_own()) == 2, "both rows")
    first, last = read_own()
    assert "Zita Removed" in first
    assert "Photo of " in first
    assert "Yves Kept" in last
    assert "Urgent referral" in visitor.read_all(".cases li.urgency")[0]
    journey.step("queue")
    visitor.press(f".cases a[href='#/course/{spot}']")
    journey.see("deletedPhoto")
    visitor.go("patients")
    visitor.find(".patients .band-urgent_referral")
    assert visitor.count(".patients a[href^='#/case/null']") == 0
