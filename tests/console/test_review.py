import re
from datetime import timedelta
from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys

from skinapi.platform.storage.ids import now
from tests.console.journey import Journey, Look, looks
from tests.console.test_spots import begin, send
from tests.console.visitor import PHONE, Visitor
from tests.served.people import Caller, Seeder
from tests.support.backends import change_account
from tests.support.reviews import sign_review

DESK = (1366, 768)
MOLE = "melanocytic_nevus"
TITLES = {"en": "Doctor's decision: a mole", "fr": "Décision du médecin : un grain de beauté"}
HASH = "return location.hash"
FIRST_HEADING = "return document.querySelector('.finding h1').closest('header').className"
LABEL = "return document.querySelector('[name=label]:checked').value"
BAR = "return document.querySelector('.signing p').innerText"
IS_CUT = (
    "const bar = document.querySelector('.signing p'); return bar.scrollHeight > bar.clientHeight"
)
PRESS_U_AT_ONCE = """
new MutationObserver((_, seen) => {
  if (!document.querySelector("#review")) return;
  seen.disconnect();
  document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "u", bubbles: true }));
}).observe(document, { childList: true, subtree: true });
"""
# True if the last choice is visible above the bar that signs.
CHOICE_IS_IN_SIGHT = """
const [chosen] = [...document.querySelectorAll("#review .chips :checked")].slice(-1);
const { top, bottom } = chosen.closest(".chip").getBoundingClientRect();
const above = document.querySelector(".case-read").getBoundingClientRect().top;
const bar = document.querySelector(".signing").getBoundingClientRect();
return top >= above - 1 && bottom <= bar.top + 1 && bar.bottom <= innerHeight + 1;
"""
REVIEWS = ".case details:has(> .message)"
STAY_OR_SEE = """
document.querySelector(".signing [value=stay]")?.click();
return Boolean(document.querySelector(".verdict.decided"));
"""
STAY_OR_GONE = """
document.querySelector(".signing [value=stay]")?.click();
return !document.querySelector(".spot-review");
"""


def open_case(visitor: Visitor, doctor: Caller, number: int) -> None:
    visitor.look(DESK)
    visitor.enter(doctor, "doctor")
    visitor.go(f"case/{number}")
    assert opened(visitor) == number


def opened(visitor: Visitor) -> int:
    visitor.find(".case .photo-frame img")
    number = re.match(r"#/case/(\d+)", visitor.run(HASH))
    assert number
    return int(number[1])


def signed(doctor: Caller, number: int) -> list[Any]:
    reviews: list[Any] = doctor.call("GET", f"/submissions/{number}/reviews").json
    return reviews


def sign(doctor: Caller, number: int, **said: Any) -> None:
    assert sign_review(doctor, number, said).status == 201


def test_a_review_that_was_taken_back_is_shown_as_no_diagnosis(
    visitor: Visitor, patient: Caller, doctor: Caller
) -> None:
    number = send(patient, MOLE)
    sign(doctor, number, label="melanoma", certainty="sure")
    [review] = doctor.call("GET", f"/submissions/{number}/reviews").json
    path = f"/submissions/{number}/reviews/{review['_id']}/void"
    assert doctor.call("POST", path, json={"reason": "Of another patient."}).status == 200
    spot = patient.call("GET", f"/submissions/{number}").json["lesion"]
    visitor.look(DESK)
    for caller, role, place in (
        (patient, "user", f"spot/{spot}"),
        (patient, "user", f"finding/{number}"),
        (patient, "user", "spots"),
        (doctor, "doctor", f"case/{number}"),
    ):
        visitor.enter(caller, role)
        visitor.go(place)
        visitor.see("A doctor's review was taken back on")
        visitor.see("taken back")
        for said in ("decision of", "suspected", "a newer photo", "an earlier photo"):
            visitor.see_none(said)
    sign_of_photo = visitor.find(".spot-photos .sign-of").get_attribute("title") or ""
    assert sign_of_photo.endswith("taken back"), sign_of_photo
    visitor.press("[name=agreement][value=agree]")
    visitor.press(".signing [value=stay]")
    visitor.see("This is milder than what counts since a review was taken back on")
    visitor.look(language="fr")
    visitor.enter(patient, "user")
    visitor.go("spots")
    visitor.see("L'avis d'un médecin a été annulé le")
    visitor.assert_quiet(expected=(f"/submissions/{number}/review",))


@pytest.mark.parametrize("look", looks(1), ids=str)
def test_a_doctor_takes_a_review_back_with_a_reason(
    visitor: Visitor, patient: Caller, doctor: Caller, look: Look
) -> None:
    number = send(patient, MOLE)
    sign(doctor, number, label="melanoma", sample="waiting")
    journey = Journey(visitor, "take-back", look)
    visitor.enter(doctor, "doctor")
    visitor.go(f"case/{number}")
    visitor.press(f"{REVIEWS} > summary")
    journey.press("takeReviewBack")
    assert visitor.read("dialog[open] p") == journey.say("takeReviewBackText")
    visitor.press("dialog .danger")
    journey.see("reasonMissing")
    journey.step("asked")
    visitor.type(**{"take-back": "Of another patient."})
    visitor.press("dialog .danger")
    journey.see("error_sample_awaited")
    visitor.assert_quiet(expected=("/void",))
    assert [review["voided"] for review in signed(doctor, number)] == [False]
    sign(doctor, number, label="melanoma", sample="none")
    visitor.press("dialog .danger")
    visitor.find("#review")
    visitor.await_truth(lambda: visitor.count(f"{REVIEWS} .message") == 2, "both reviews")
    assert visitor.count(f"{REVIEWS} button") == 1, "what was taken back stays so"
    assert [review["voided"] for review in signed(doctor, number)] == [True, False]
    journey.step("taken-back")


def test_a_spot_shows_the_photo_that_asks_for_a_doctor_and_links_to_none_that_is_gone(
    visitor: Visitor, patient: Caller, doctor: Caller
) -> None:
    urgent = send(patient, "melanoma")
    spot = patient.call("GET", f"/submissions/{urgent}").json["lesion"]
    mild = send(patient, MOLE, lesion=spot)
    visitor.look(DESK)
    visitor.enter(patient, "user")
    visitor.go(f"spot/{spot}")
    assert visitor.read(".spot-photo .eyebrow").casefold() == f"finding {urgent}"
    assert patient.call("DELETE", f"/submissions/{urgent}").status == 200
    visitor.reload()
    assert visitor.read(".spot-photo .eyebrow").casefold() == f"finding {mild}"
    for caller, role, place in (
        (patient, "user", f"spot/{spot}"),
        (patient, "user", f"finding/{mild}"),
        (doctor, "doctor", f"case/{mild}"),
    ):
        visitor.enter(caller, role)
        visitor.go(place)
        visitor.see("a deleted photo")
        assert visitor.count(f"main a[href$='/{urgent}']") == 0
    visitor.assert_quiet()


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_doctor_reviews_a_spot_whose_photos_were_all_deleted(
    visitor: Visitor, patient: Caller, doctor: Caller, language: str
) -> None:
    number = send(patient, "melanoma")
    spot = patient.call("GET", f"/submissions/{number}").json["lesion"]
    assert patient.call("DELETE", f"/submissions/{number}").status == 200
    journey = Journey(visitor, "deleted", Look(DESK, dark=False, language=language))
    visitor.enter(doctor, "doctor")
    visitor.go(f"course/{spot}")
    visitor.press(".spot-review .chip:has([value=disagree])")
    visitor.press(f".spot-review .chip:has([value={MOLE}])")
    assert visitor.count(".spot-review [value=agree]") == 0, "no model's answer is left"
    visitor.find("textarea[name=note]").send_keys("By phone: harmless.")
    visitor.assert_accessible()
    visitor.press(".signing [value=stay]")
    visitor.find(".signing .doubt")
    journey.step("review", expected=(f"/lesions/{spot}/reviews",))
    visitor.await_truth(lambda: visitor.run(STAY_OR_GONE), "it to be signed, once it can be read")
    assert doctor.call("GET", "/queue").json == []
    said = patient.call("GET", f"/lesions/{spot}").json["instruction"]
    assert (said["from"], said["label"], said["band"]) == ("review", MOLE, "self_monitoring")
    visitor.see("By phone: harmless.")
    visitor.enter(patient, "user")
    visitor.go(f"spot/{spot}")
    visitor.see("By phone: harmless.")
    assert visitor.read(".past h2") == TITLES[language]
    journey.step("patient", expected=(f"/lesions/{spot}/reviews",))
    visitor.assert_quiet()


def press(visitor: Visitor, key: str, there: str) -> None:
    visitor.keys(key)
    visitor.find(there)


def sign_what_falls(visitor: Visitor) -> None:
    visitor.await_truth(lambda: visitor.run(STAY_OR_SEE), "it to be signed, once it can be read")


def test_what_the_model_says_of_a_photo_is_not_what_counts_of_its_spot(
    visitor: Visitor, patient: Caller, doctor: Caller
) -> None:
    lesion = begin(patient, {"site": "back"})
    urgent = send(patient, "melanoma", lesion=lesion)
    mild = send(patient, "dermatofibroma", lesion=lesion)
    own = doctor.call("GET", f"/submissions/{mild}/report.json").json["facts"]["band"]
    bands = doctor.call("GET", "/conditions").json["bands"]
    words = {one["key"]: one["en"]["doctor_label"] for one in bands}
    assert own != "urgent_referral"
    visitor.enter(doctor, "doctor")
    visitor.go(f"case/{mild}")
    visitor.see(f"Finding {urgent}")
    assert visitor.read("header.instruction h2") == words["urgent_referral"]
    assert visitor.count(".verdict") == 1
    assert visitor.read("details.model[open] summary").endswith(words[own])
    visitor.assert_quiet()


@pytest.mark.parametrize(
    ("language", "not_covered"),
    [
        ("en", "is not about this photo. Harmless, nothing to do."),
        ("fr", "ne porte pas sur cette photo. Harmless, nothing to do."),
    ],
)
def test_a_review_of_an_earlier_photo_is_not_headed_with_the_number_of_a_later_one(
    visitor: Visitor, patient: Caller, doctor: Caller, language: str, not_covered: str
) -> None:
    lesion = begin(patient, {"site": "back"})
    mild = send(patient, MOLE, lesion=lesion)
    note = "Harmless, nothing to do."
    sign(doctor, mild, label=MOLE, certainty="sure", note=note, urgency="self_monitoring")
    urgent = send(patient, "melanoma", lesion=lesion)
    Journey(visitor, "review", Look(PHONE, dark=False, language=language))
    visitor.enter(patient, "user")
    for place in (f"finding/{urgent}", f"spot/{lesion}"):
        visitor.go(place)
        card = " ".join(visitor.read(".card.past").split())
        assert f" {mild})" in visitor.read(".card.past h2")
        assert visitor.count(".card.past .eyebrow") == 0
        assert not_covered in card
    visitor.go(f"finding/{urgent}")
    assert f" {urgent} · " in visitor.read(".card.past + .card .eyebrow")
    assert "lanom" in visitor.read(".card.past + .card h2")


def test_who_is_unsure_signs_no_label_of_the_model(
    visitor: Visitor, doctor: Caller, patient: Caller
) -> None:
    """The key is pressed as soon as the form is there."""
    number = send(patient, "melanoma")
    visitor.look()
    visitor.enter(doctor, "doctor")
    visitor.run(PRESS_U_AT_ONCE)
    visitor.go(f"case/{number}")
    visitor.find("[name=label]:checked")
    assert visitor.run(LABEL) == ""
    visitor.press(".signing [value=stay]")
    visitor.find(".verdict.decided h1")
    [review] = signed(doctor, number)
    told = (review["label"], review["certainty"], review["urgency"])
    assert told == (None, None, "urgent_referral")


@pytest.mark.parametrize("look", looks(0), ids=str)
def test_a_patient_reads_the_decision_first_and_is_asked_for_another_photo(
    visitor: Visitor, doctor: Caller, patient: Caller, look: Look
) -> None:
    first = send(patient, "melanoma")
    spot = begin(patient, {"site": "back"})
    second = send(patient, "melanoma", lesion=spot)
    sign(doctor, first, label="benign_keratosis", certainty="sure")
    sign(doctor, second, photo_wanted=True, urgency="urgent_referral")
    journey = Journey(visitor, "decision", look)
    visitor.enter(patient, "user")
    visitor.go("spots")
    visitor.find(".spot-row .band-routine")
    journey.step("spots")
    visitor.go(f"finding/{first}")
    visitor.find(".finding details:not([open])")
    assert visitor.run(FIRST_HEADING) == "verdict decided band-routine"
    visitor.press(".finding > details summary")
    visitor.find(".finding > details[open] p")
    assert visitor.count(".band-urgent_referral") == 0  # nor what it was to be done for that
    assert visitor.count("details.model") == 0  # which is in a doctor's words
    journey.step("decided")
    visitor.go(f"finding/{second}")
    visitor.find(".verdict.decided.band-urgent_referral")  # the check itself had asked for that
    visitor.find(f".verdict.decided a.primary[href='#/check/{spot}']")
    journey.step("another-photo")


def test_a_list_is_chosen_in_by_typing_and_what_is_left_with_escape_is_signed_by_enter(
    visitor: Visitor, doctor: Caller, patient: Caller
) -> None:
    """A letter typed in a list or a note is not a key of the case."""
    number = send(patient, "melanoma", body_site="back")
    open_case(visitor, doctor, number)
    press(visitor, "d", "[value=disagree]:checked:focus")
    press(visitor, "5", "[name=label][value=benign_keratosis]:checked")
    press(visitor, "g", "[name=urgency]:focus")
    visitor.keys(*"sel")
    assert visitor.find("[name=urgency]").get_attribute("value") == "self_monitoring"
    press(visitor, Keys.ESCAPE, "#review:focus")
    press(visitor, "y", "[name=sample]:focus")
    visitor.keys(*"no s")
    press(visitor, Keys.ESCAPE, "#review:focus")
    press(visitor, "n", "[name=note]:focus")
    visitor.keys(*"Aged u.")
    press(visitor, Keys.ESCAPE, "#review:focus")
    assert visitor.run(LABEL) == "benign_keratosis"
    visitor.keys(Keys.ENTER)
    visitor.see("Sign it all the same?")
    assert signed(doctor, number) == []
    sign_what_falls(visitor)
    [review] = signed(doctor, number)
    said = {name: review[name] for name in ("urgency", "label", "sample", "note")}
    assert said == {
        "urgency": "self_monitoring",
        "label": "benign_keratosis",
        "sample": "none",
        "note": "Aged u.",
    }


def test_a_result_is_the_diagnosis_and_is_read_before_it_is_signed(
    visitor: Visitor, doctor: Caller, patient: Caller
) -> None:
    spot = begin(patient, {"site": "back"})
    number = send(patient, "melanoma", lesion=spot, body_site="back")
    open_case(visitor, doctor, number)
    press(visitor, "a", "[value=agree]:checked:focus")
    press(visitor, "y", "[name=sample]:focus")
    visitor.keys(*"result k")
    press(visitor, Keys.ESCAPE, "#review:focus")
    press(visitor, "2", "[name=label][value=basal_cell_carcinoma]:checked")
    press(visitor, "5", "[name=label][value=benign_keratosis]:checked")
    assert visitor.count("[name=agreement]") == 0
    said = visitor.run(BAR)
    falls = "Urgent referral → Routine visit"
    assert said.startswith(f"Laboratory's result: Benign (pigmented) keratosis · {falls}")
    visitor.press(".signing [value=stay]")
    visitor.find(".doubt")
    assert "Sign it all the same?" in visitor.run(BAR)
    assert visitor.run(IS_CUT) is False
    assert signed(doctor, number) == []
    sign_what_falls(visitor)
    [review] = signed(doctor, number)
    assert (review["label"], review["certainty"]) == ("benign_keratosis", "laboratory")
    visitor.find(".spot-photos [aria-current] .band-routine")  # drawn again, without a reload
    named = visitor.find(".case-head strong").text
    visitor.see(f"{named}, finding {number}, signed: Laboratory")


def test_who_agrees_keeps_the_urgency_and_is_asked_before_it_becomes_much_milder(
    visitor: Visitor, doctor: Caller, patient: Caller
) -> None:
    number = send(patient, MOLE, body_site="back", skin_tone="dark")
    open_case(visitor, doctor, number)
    press(visitor, "a", "[value=agree]:checked:focus")
    assert visitor.run(BAR).endswith("Doctor's review")
    press(visitor, "e", "[value=enough]:checked:focus")
    assert visitor.run(BAR).endswith("Doctor's review → Self-monitoring")
    visitor.keys(Keys.ENTER)
    visitor.see("Sign it all the same?")
    assert signed(doctor, number) == []
    sign_what_falls(visitor)
    [review] = signed(doctor, number)
    assert review["urgency"] == "self_monitoring"


def test_keys_that_come_before_the_case_change_nothing_and_the_case_says_so(
    visitor: Visitor, doctor: Caller, patient: Caller
) -> None:
    """The keys come as fast as the driver can type, while a review is signed and the next case
    loads.
    """
    for site in ("back", "hand"):  # both urgent: what is nobody's and urgent comes behind them
        send(patient, "melanoma", body_site=site)
    visitor.look(DESK)
    visitor.enter(doctor, "doctor")
    visitor.find(".finding-row.current")
    visitor.keys("o")
    first = opened(visitor)
    press(visitor, "u", "[value=unsure]:checked:focus")
    visitor.keys(Keys.ENTER, "d", "2", Keys.ENTER)
    visitor.await_truth(lambda: f"case/{first}" not in visitor.run(HASH), "the next case")
    second = opened(visitor)
    visitor.see("Pressed before this case was shown, and not used: d 2 Enter")
    assert visitor.count("[name=agreement]:checked") == 0
    assert [len(signed(doctor, item)) for item in (first, second)] == [1, 0]
    press(visitor, "u", "[value=unsure]:checked:focus")
    visitor.see_none("not used")


def test_a_choice_made_by_key_stays_in_sight_above_the_signing_bar(
    visitor: Visitor, doctor: Caller, patient: Caller
) -> None:
    number = send(patient, MOLE, body_site="back")
    open_case(visitor, doctor, number)
    press(visitor, "d", "[value=disagree]:checked:focus")
    for key, chosen in (("1", "melanoma"), ("9", "normal_skin"), ("1", "melanoma")):
        press(visitor, key, f"[name=label][value={chosen}]:checked")
        visitor.await_truth(lambda: visitor.run(CHOICE_IS_IN_SIGHT), f"{chosen} in sight")


def test_another_list_begins_at_its_first_row_which_key_o_opens(
    visitor: Visitor, doctor: Caller, patient: Caller
) -> None:
    waiting = send(patient, "melanoma", body_site="back")  # before what is urgent and nobody's
    number = send(patient, MOLE, body_site="abdomen")
    sign(doctor, number, certainty="sure", label=MOLE)
    open_case(visitor, doctor, waiting)
    visitor.go("queue")
    visitor.find(f".finding-row.current [data-number='{waiting}']").send_keys("")
    visitor.run("document.querySelector('.finding-row .cover').focus()")
    visitor.go("queue?list=reviewed")
    visitor.find(f".finding-row.current [data-number='{number}']")
    visitor.keys("o")
    assert opened(visitor) == number


def test_the_doctor_reads_that_nothing_reaches_a_suspended_patient(
    visitor: Visitor, doctor: Caller, patient: Caller, seeder: Seeder
) -> None:
    number = send(patient, "melanoma")
    change_account(seeder.services, patient.id, status="suspended")
    journey = Journey(visitor, "shut-out", Look(DESK, dark=False, language="en"))
    open_case(visitor, doctor, number)
    journey.see("noAccess")
    journey.see("recordOfDeletedText")
    journey.step("case")
    visitor.go("queue")
    journey.see("inactiveRow")
    visitor.go("patients")
    journey.see("noAccess")
    visitor.look(PHONE)
    journey.step("patients")
    visitor.go(f"patients/{patient.id}")
    journey.see("noAccess")
    assert visitor.count("[name=message]") == 0


def test_the_case_of_a_closed_account_has_no_empty_part(
    visitor: Visitor, doctor: Caller, patient: Caller, seeder: Seeder
) -> None:
    """No colleague can be asked about it."""
    number = send(patient, "melanoma")
    open_case(visitor, doctor, number)
    visitor.find(".card.work")
    change_account(seeder.services, patient.id, status="closed", erase_at=now() + timedelta(days=9))
    visitor.go("patients")
    visitor.go(f"case/{number}")
    assert opened(visitor) == number
    assert visitor.count(".card.work") == 0
