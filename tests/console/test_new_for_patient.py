from collections.abc import Iterator
from pathlib import Path

import pytest

from skinapi.model.conditions import Band, conditions_table
from tests.console.journey import Journey, Look, file_of
from tests.console.test_review import sign
from tests.console.test_spots import BACK, begin, send
from tests.console.visitor import DESKTOP, PHONE, Visitor
from tests.served.people import Caller, Seeder
from tests.served.server import Server, serving
from tests.support.photos import photo_of
from tests.support.size import size

DIALLED = "main a.call[href='tel:+41315551212']"
LOOKS = [Look(PHONE, dark=False, language="en"), Look(DESKTOP, dark=True, language="fr")]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, settings: dict[str, str]) -> Iterator[Server]:
    clinic = {"CLINIC_NAME": "Hautklinik Test", "CLINIC_PHONE": "+41 31 555 12 12"}
    folder = tmp_path_factory.mktemp("called")
    with serving(folder, {**settings, **clinic}, workers=1) as server:
        yield server


@pytest.mark.parametrize("look", LOOKS[: size(1, 2)], ids=str)
def test_an_urgent_patient_can_call_and_reads_of_the_visit(
    visitor: Visitor, patient: Caller, doctor: Caller, look: Look
) -> None:
    spot = begin(patient, BACK)
    number = send(patient, "melanoma", lesion=spot)
    journey = Journey(visitor, "new-for-patient", look)
    visitor.enter(patient, "user")
    visitor.find(DIALLED)
    journey.step("spots")
    for place in (f"finding/{number}", f"spot/{spot}"):
        visitor.open_view(place)
        visitor.find(DIALLED)
        visitor.find("main .your-visit dd")
        visitor.assert_accessible()
        journey.step(place.partition("/")[0])


@pytest.mark.parametrize("look", LOOKS[-size(1, 2) :], ids=str)
def test_a_decision_heads_the_first_page_until_it_was_opened(
    visitor: Visitor, patient: Caller, doctor: Caller, look: Look
) -> None:
    number = send(patient, "melanoma")
    sign(doctor, number, label="melanoma", certainty="sure")
    journey = Journey(visitor, "new-for-patient", look)
    visitor.enter(patient, "user")
    visitor.find(".new-decision .due")
    visitor.find(DIALLED)
    assert visitor.count("main .visit") == 1, "the same is not said twice"
    visitor.assert_accessible()
    journey.step("decided")
    visitor.press(f".new-decision a[href='#/finding/{number}']")
    visitor.find(".verdict.decided")
    visitor.open_view("spots")
    visitor.find("main .visit")
    assert visitor.count(".new-decision") == 0


@pytest.mark.parametrize("role", ["doctor", "researcher", "admin"])
@pytest.mark.parametrize("look", LOOKS[: size(1, 2)], ids=str)
def test_a_patient_who_is_staff_now_is_told_of_a_decision_on_each_page(
    visitor: Visitor, seeder: Seeder, patient: Caller, doctor: Caller, look: Look, role: str
) -> None:
    number = send(patient, "melanoma")
    sign(doctor, number, label="melanoma", certainty="sure")
    path, wanted = f"/users/{patient.email}/role", {"role": role}
    changed = seeder.person("admin").call("PUT", path, json=wanted)
    assert changed.status == 200, changed.json
    journey = Journey(visitor, "new-for-patient", look)
    visitor.enter(patient, role)
    journey.see("ownDecision")
    visitor.open_view("account")
    journey.see("ownDecision")
    journey.step(f"staff-{role}")
    journey.press("ownDecisionRead", within="notice")
    visitor.press(f".new-decision a[href='#/finding/{number}']")
    visitor.find(".verdict.decided")
    visitor.open_view("account")
    visitor.await_stillness()
    visitor.see_none(journey.say("ownDecision"))


@pytest.mark.parametrize("look", LOOKS[: size(1, 2)], ids=str)
def test_a_damaged_finding_is_no_empty_page_and_its_advice_stays(
    visitor: Visitor, patient: Caller, doctor: Caller, seeder: Seeder, look: Look
) -> None:
    number = send(patient, "melanoma")
    rows = seeder.services.store.collection("submissions")
    assert rows.update({"number": number}, {"$set": {"level": "nonsense"}})
    journey = Journey(visitor, "new-for-patient", look)
    visitor.enter(patient, "user")
    journey.see("adviceStays")
    visitor.find(DIALLED)
    visitor.find("a[href='#/messages']")
    visitor.see_none(journey.say("spotsEmpty"))
    visitor.assert_accessible()
    journey.step("damaged")
    visitor.open_view(f"finding/{number}")
    journey.see("recordUnreadable")
    journey.see("adviceStays")
    visitor.see_none(journey.say("ourFault"))
    visitor.enter(doctor, "doctor")
    journey.see("partUnreadable")
    visitor.see("Ada")
    visitor.go(f"case/{number}")
    journey.see("recordUnreadable")
    journey.see("adviceStaysForPatient")
    visitor.see_none(journey.say("ourFault"))
    journey.step("damaged-case", expected=("/submissions/",))


def test_the_page_that_waits_says_whom_to_call_and_a_doctor_reads_no_patients_words(
    visitor: Visitor,
) -> None:
    journey = Journey(visitor, "new-for-patient", LOOKS[0])
    visitor.open("/#/waiting")
    journey.see("waitingHeard")
    journey.see("waitingUrgent")
    visitor.find(DIALLED)
    journey.step("waiting")
    for page in ("waiting/suspended", "login/account_refused"):
        visitor.go(page)
        journey.see("toldStands")
        visitor.see_none(conditions_table().band_entry(Band.DOCTOR_REVIEW).en.action)
    visitor.open("/#/register")
    visitor.type(name="Dr Grey", email="grey-waits@example.org", password="a long passphrase 1")
    visitor.choose("wanted", "doctor")
    visitor.press("form .primary")
    journey.see("waitingTextStaff")
    visitor.see_none(journey.say("waitingUrgent"))


def test_a_photo_that_never_left_is_called_unsent_everywhere(
    visitor: Visitor, patient: Caller, tmp_path: Path
) -> None:
    journey = Journey(visitor, "new-for-patient", LOOKS[0])
    visitor.enter(patient, "user")
    journey.see("spotsEmpty")  # without a network no view is fetched
    visitor.open_view("check")
    visitor.hand_in("photo", file_of(tmp_path, "spot.jpg", photo_of("melanoma", (600, 450))))
    visitor.find("figure.crop canvas")
    visitor.answer("keep_photo", "true")
    journey.see("sendPhoto")  # its words are read while there is a network
    visitor.go_offline(True)
    journey.press("sendPhoto")
    journey.see("notSent")
    visitor.go("spots")
    visitor.find("main .message")
    journey.see("unsentWaits")
    visitor.go_offline(False)
    visitor.find("main .lead")  # once the network is back, without a press
    journey.press("toUnsent")
    journey.see("unsentBack")
    visitor.see_none(journey.say("unsentUnknown"))


def test_paper_has_the_name_and_what_is_folded_and_no_buttons(
    visitor: Visitor, patient: Caller, doctor: Caller
) -> None:
    number = send(patient, "melanoma")
    journey = Journey(visitor, "new-for-patient", LOOKS[1]._replace(language="en"))
    visitor.enter(patient, "user")
    visitor.open_view(f"finding/{number}")
    visitor.find(".finding .heat-photo img")
    assert visitor.count("main details[open]") == 0
    paper = visitor.printed()
    assert "Ada" in paper.splitlines()[:8]
    assert journey.say("pdfReport") not in paper
    assert "The model knows" in paper or journey.say("probabilitiesText") in " ".join(paper.split())


def test_a_list_says_how_certain_a_doctor_was(visitor: Visitor, patient: Caller) -> None:
    visitor.enter(patient, "user")
    said: tuple[tuple[str, dict[str, bool | str]], ...] = (
        ("Doctor's review of", {}),
        ("Doctor's opinion of", {"certain": False}),
        ("Doctor's suspicion of", {"suspected": True, "certain": False}),
        ("Laboratory's result of", {"by_result": True, "suspected": True}),
        ("Comparison of", {"from": "comparison"}),
    )
    script = """
const [advice, done] = arguments;
import("/console/views/decision.js").then(({ saidBy }) => done(saidBy(advice)));"""
    for words, how in said:
        advice = {"from": "review", "since": "2026-11-28T10:00:00Z", **how}
        assert visitor.run_async(script, advice).startswith(words)
