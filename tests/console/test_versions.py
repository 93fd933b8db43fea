from typing import Any

import pytest

from skinapi.platform.storage.ids import now
from tests.console.journey import Journey, Look, looks
from tests.console.test_every_page import withdraw_version
from tests.console.test_review import DESK, MOLE, open_case, opened, sign, signed
from tests.console.test_spots import begin, send
from tests.console.visitor import Visitor
from tests.served.people import Caller, Seeder

TOLD = {"age": "40", "sex": "female", "body_site": "back", "checklist": "none"}
# By themselves a reason to see a doctor this week.
SIGNS = ["change_in_size", "irregular_shape", "irregular_colour"]
CHECKED = "return document.querySelector(`[name=${arguments[0]}]:checked`).value"


def correct(caller: Caller, number: int, **facts: Any) -> None:
    seen = found(caller, number).get("version", 1)
    told = {**TOLD, "checklist": ["none"], "version": seen, **facts}
    assert caller.call("PUT", f"/submissions/{number}/facts", json=told).status == 200


def found(caller: Caller, number: int) -> Any:
    return caller.call("GET", f"/submissions/{number}").json


@pytest.mark.parametrize("look", looks(2), ids=str)
def test_a_correction_asks_what_the_photo_was_asked_and_the_finding_becomes_more_urgent(
    visitor: Visitor, doctor: Caller, patient: Caller, look: Look
) -> None:
    number = send(patient, MOLE, modality="clinical", skin_tone="medium", **TOLD)
    journey = Journey(visitor, "versions", look)
    visitor.enter(patient, "user")
    visitor.go(f"finding/{number}")
    visitor.press(".own-facts summary")
    journey.press("correctFacts")
    journey.step("correction")
    told = {"modality": "clinical", "sex": "female", "skin_tone": "medium"}
    assert {name: visitor.run(CHECKED, name) for name in told} == told
    assert visitor.find("[name=birth_year]").get_attribute("value") == str(now().year - 41)
    visitor.press("[name=skin_tone][value=dark]")
    for sign_ in SIGNS:
        visitor.press(f"button[value={sign_}]")
    journey.press("judgeCorrected")
    journey.see("becameUrgent")
    facts = ", ".join(journey.say(key) for key in ("skinTone", "signs"))
    visitor.see(f"{facts}.")
    journey.step("more-urgent")
    visitor.press(".earlier summary")
    journey.see("earlierAnswersText")
    journey.step("earlier")
    whole = found(patient, number)
    assert (whole["version"], whole["band"], len(whole["versions"])) == (2, "urgent_referral", 1)
    assert (whole["context"]["age"], whole["context"]["modality"]) == (40, "clinical")
    assert len(patient.call("GET", "/submissions").json) == 1
    visitor.look(look.size, dark=look.dark, language=look.language)
    visitor.enter(doctor, "doctor")
    visitor.find(f"[data-number='{number}']")
    journey.see("becameUrgentRow")
    journey.step("queue", still=False)
    visitor.go(f"case/{number}")
    journey.see("becameUrgent")
    journey.step("case")


def test_who_changes_nothing_has_no_photo_judged(visitor: Visitor, patient: Caller) -> None:
    number = send(patient, MOLE, **TOLD)
    visitor.look()
    visitor.enter(patient, "user")
    visitor.go(f"finding/{number}")
    visitor.press(".own-facts summary")
    visitor.press_button("Correct it")
    visitor.press_button("Judge again")
    visitor.see("Nothing was changed")
    assert "version" not in found(patient, number)
    visitor.press_button("Correct it")
    visitor.press("[name=skin_tone][value=dark]")
    correct(patient, number, sex="male")  # in another window
    visitor.press_button("Judge again")
    visitor.see(visitor.words("en")["error_changed_meanwhile"])
    visitor.see("was corrected: Sex.")
    assert found(patient, number)["version"] == 2
    visitor.assert_quiet(expected=(f"/submissions/{number}/facts",))


def test_a_form_corrects_what_was_changed_in_it_alone(visitor: Visitor, patient: Caller) -> None:
    """The year is stored in the account. A correction of the side in another window stays."""
    told = {"age_band": "30-44", "body_site": "hand", "body_laterality": "left"}
    number = send(patient, MOLE, checklist="none", **told)
    visitor.look(DESK)
    visitor.enter(patient, "user")
    visitor.go(f"finding/{number}")
    visitor.press(".own-facts summary")
    visitor.press_button("Correct it")
    side = {"body_laterality": "right"}
    assert patient.call("PUT", f"/submissions/{number}/facts", json=side).status == 200
    visitor.see("are kept in your account")
    visitor.type(birth_year=str(now().year - 50))
    visitor.press_button("Judge again")
    visitor.see("was corrected: Age.")
    whole = found(patient, number)
    assert (whole["corrected"], whole["context"]["body_laterality"]) == (
        ["age", "age_band"],
        "right",
    )
    assert whole["context"]["checklist"] == []
    account = patient.call("GET", "/me").json
    assert (account["birth_year"], account.get("sex")) == (now().year - 50, None)
    visitor.see("you corrected: Place")
    visitor.press_button("Correct it")
    visitor.press("[name=body_laterality][value=left]")
    visitor.press_button("Judge again")
    visitor.see("The photo was not judged again")
    assert found(patient, number)["version"] == 2
    visitor.assert_quiet()


def test_a_side_is_corrected_where_no_photo_was_kept(
    visitor: Visitor, doctor: Caller, patient: Caller
) -> None:
    number = send(patient, MOLE, body_laterality="left", body_site="hand", keep_photo="false")
    visitor.look(DESK)
    for caller, role, place, side in (
        (patient, "user", "finding", "right"), (doctor, "doctor", "case", "left"),
    ):  # fmt: skip
        visitor.enter(caller, role)
        visitor.go(f"{place}/{number}")
        if role == "user":
            visitor.press(".own-facts summary")
        visitor.press_button("Correct the side")
        visitor.press(f"[name=body_laterality][value={side}]")
        visitor.press_button("Correct the side")
        visitor.see("The photo was not judged again")
        assert found(patient, number)["context"]["body_laterality"] == side
    visitor.assert_quiet()


def test_no_doctor_signs_what_was_judged_after_they_looked(
    visitor: Visitor, doctor: Caller, patient: Caller
) -> None:
    number = send(patient, MOLE, **TOLD)
    open_case(visitor, doctor, number)
    visitor.keys("a")
    visitor.type(note="Seen before.")
    correct(patient, number, checklist=SIGNS)
    visitor.press(".signing [value=stay]")
    visitor.see("The spot has changed since you opened this page")
    visitor.see("It became more urgent.")
    assert signed(doctor, number) == []
    assert visitor.count("[name=agreement]:checked") == 0
    assert visitor.find("[name=note]").get_attribute("value") == "Seen before."
    visitor.press("[name=agreement][value=agree]")
    visitor.press(".signing [value=stay]")
    visitor.find(".verdict.decided h1")
    [review] = signed(doctor, number)
    assert (review["urgency"], review["note"]) == ("urgent_referral", "Seen before.")
    visitor.assert_quiet(expected=(f"/submissions/{number}/review",))


def test_who_deletes_an_urgent_finding_reads_that_no_doctor_has_looked(
    visitor: Visitor, doctor: Caller, patient: Caller
) -> None:
    spot = begin(patient, {"site": "back"})
    number = send(patient, "melanoma", lesion=spot)
    visitor.look(DESK)
    visitor.enter(patient, "user")
    visitor.go(f"spot/{spot}")
    visitor.press(".own-findings .menu-button")
    visitor.press(".own-findings .menu .danger")
    visitor.find("dialog .due")
    asked = visitor.read("dialog")
    assert found(patient, number)["instruction"]["action"] in asked
    assert "No doctor has looked at this answer yet." in asked
    visitor.press("dialog .quiet")
    sign(doctor, number, label="melanoma", certainty="sure")
    visitor.enter(patient, "user")
    visitor.go(f"spot/{spot}")
    visitor.press(".own-findings .menu-button")
    visitor.press(".own-findings .menu .danger")
    visitor.see("This cannot be undone.")
    visitor.see_none("No doctor has looked")
    visitor.assert_accessible()


def test_a_photo_of_a_withdrawn_model_is_judged_again_in_its_finding(
    visitor: Visitor, seeder: Seeder, doctor: Caller, patient: Caller
) -> None:
    number = send(patient, MOLE, **TOLD)
    withdraw_version(seeder, number)
    visitor.look(DESK)
    visitor.enter(doctor, "doctor")
    visitor.go(f"case/{number}")
    visitor.press(".judge-again")
    visitor.see(f"The photo of finding {number} was judged again")
    visitor.see("by another model version.")
    assert opened(visitor) == number
    assert found(doctor, number)["version"] == 2
    assert visitor.count(".judge-again") == 0
    visitor.assert_quiet()
