import pytest
from selenium.webdriver.common.keys import Keys

from tests.console.journey import Journey, Look, looks
from tests.console.test_doctor import FIRST, send_for
from tests.console.visitor import Visitor
from tests.served.people import Caller, Seeder
from tests.support.photos import photo_of

QUESTION = "Is the network regular?"
ANSWER = "No: broken up on the left."
HARMLESS = {
    "en": "The spot is harmless [see <b>] (12.5%).",
    "fr": "La tache est anodine [voir <b>] (12,5 %).",
}
SIGN_OR_SEE = """
document.querySelector(".signing [value=stay]")?.click();
return !document.querySelector(".opinion-end");
"""
# The request for the case waits until `go_on` is called.
HOLD_CASE = """
const ask = window.fetch;
const held = new Promise((resolve) => { window.go_on = resolve; });
window.fetch = async (asked, options) => {
  const answer = await ask(asked, options);
  if (String(asked).endsWith("/case")) await held;
  return answer;
};
"""
FOCUSED = "return document.activeElement.textContent.trim()"


@pytest.fixture
def doctors(seeder: Seeder) -> tuple[Caller, Caller]:
    doctor, colleague = seeder.person("doctor"), seeder.person("doctor")
    photo = photo_of("melanoma", (600, 450))
    for item in (doctor, doctor, colleague):
        send_for(item, seeder, photo)
    return doctor, colleague


@pytest.mark.parametrize("look", looks(2), ids=str)
def test_a_case_goes_from_the_queue_to_the_signed_letter_by_keys_alone(
    visitor: Visitor, seeder: Seeder, doctors: tuple[Caller, Caller], look: Look
) -> None:
    doctor, colleague = doctors
    first, second = [item["id"] for item in doctor.call("GET", "/queue").json]
    journey = Journey(visitor, "case-keys", look)
    visitor.enter(doctor, "doctor")
    visitor.find(f"{FIRST}.current")
    visitor.keys("o")
    visitor.find(".work")
    visitor.run(HOLD_CASE)
    sign_the_review(journey)
    visitor.find(".next-case:focus")
    ask_a_colleague(journey, colleague)
    written = sign_a_letter(journey)
    visitor.keys("j")
    visitor.await_truth(lambda: visitor.run("return location.hash") == f"#/case/{second}", "next")
    give_a_second_opinion(journey, colleague, first)
    read_the_letter(journey, seeder, doctor, first, written)
    decide_by_the_second_opinion(journey, doctor, first)
    visitor.enter(seeder.caller(*owner_of(doctor, first)), "user")
    visitor.go(f"finding/{first}")
    above = visitor.read(".letter .written-before")
    assert "Since then: another review" in above, "in the language of the letter"
    signed = doctor.call("GET", f"/submissions/{first}/reviews").json
    assert len(signed) == 2
    assert [
        bool(item["signed_at"]) for item in doctor.call("GET", f"/submissions/{first}/letters").json
    ] == [True]


def test_the_case_after_a_signed_one_follows_it_in_the_list(
    visitor: Visitor, seeder: Seeder
) -> None:
    doctor = seeder.person("doctor")
    for _ in range(3):
        send_for(doctor, seeder, photo_of("melanoma", (600, 450)))
    _, second, third = [item["id"] for item in doctor.call("GET", "/queue").json]
    journey = Journey(visitor, "following-case", looks(2)[0])
    visitor.enter(doctor, "doctor")
    visitor.find(f"{FIRST}.current")
    visitor.go(f"case/{second}")
    visitor.find("#review")
    sign_the_review(journey)
    row = f".cases [data-number='{second}']"
    visitor.await_truth(lambda: visitor.count(row) == 0, "the case to leave the list")
    visitor.keys("j")
    visitor.await_truth(lambda: visitor.run("return location.hash") == f"#/case/{third}", "next")


def ask_a_colleague(journey: Journey, colleague: Caller) -> None:
    """The case is drawn again during the question, because it has been signed."""
    visitor = journey.visitor
    visitor.keys("s")
    visitor.find("[name=colleague]:focus")
    visitor.choose("colleague", colleague.id)
    first, second = QUESTION[:10], QUESTION[10:]
    visitor.keys(Keys.TAB, first)
    assert visitor.count(".opened") == 0
    visitor.run("window.go_on()")
    visitor.find(".opened")
    visitor.keys(second)
    question = visitor.find("[name=question]")
    assert question.get_attribute("value") == QUESTION
    question.send_keys(Keys.CONTROL, Keys.ENTER)
    journey.see("opinionWithdraw")
    visitor.see(QUESTION)
    journey.step("asked")


def sign_the_review(journey: Journey) -> None:
    visitor = journey.visitor
    visitor.keys("a")
    # The case stays open, because a letter is to be written.
    visitor.find("[value=agree]:checked:focus").send_keys(Keys.SHIFT, Keys.ENTER)
    journey.see("signed")


def sign_a_letter(journey: Journey) -> tuple[str, str]:
    visitor, text = journey.visitor, HARMLESS[journey.language]
    visitor.keys("l")
    visitor.find("[name=letter]:focus")
    begins = visitor.find(".letter-decision").text
    journey.step("draft")
    visitor.keys(Keys.CONTROL, Keys.END, Keys.NULL)
    visitor.keys(Keys.ENTER, Keys.ENTER, text)
    reach(journey, journey.say("save"))
    visitor.keys(Keys.ENTER)
    journey.see("letterStored")
    visitor.keys("l")
    visitor.find("[name=letter]:focus")
    cancer = {"en": "a melanoma", "fr": "un mélanome"}[journey.language]
    visitor.keys(Keys.TAB, Keys.SPACE)  # the sentence that differs from what was decided
    visitor.find(".marked input:checked:focus")
    reach(journey, journey.say("letterSignTells", name="Ada", cancer=cancer))
    visitor.keys(Keys.ENTER)
    journey.see("letterIsSigned_patient")
    named = visitor.find(".case-head strong").text
    visitor.await_truth(lambda: visitor.read(".toast").startswith(named), "who it is about")
    visitor.press(".letters summary")
    visitor.find(".letter-text")
    journey.step("letter")
    return begins, text


def reach(journey: Journey, wanted: str) -> None:
    for _ in range(5):
        journey.visitor.keys(Keys.TAB)
        if journey.visitor.run(FOCUSED) == wanted:
            return
    raise AssertionError(f"{wanted} is not reached by Tab")


def owner_of(doctor: Caller, number: int) -> tuple[str, str]:
    rows = doctor.call("GET", "/queue").json
    return next((row["patient_id"], row["patient_email"]) for row in rows if row["id"] == number)


def read_the_letter(
    journey: Journey, seeder: Seeder, doctor: Caller, number: int, written: tuple[str, str]
) -> None:
    """A colleague has answered since, so a line above says so and repeats the decision."""
    visitor = journey.visitor
    visitor.enter(seeder.caller(*owner_of(doctor, number)), "user")
    visitor.go(f"finding/{number}")
    visitor.find(".letter-text")
    assert visitor.find(".letter h2").text == journey.say("letterToYou")
    begins, text = written
    assert visitor.find(".verdict.decided .due").text
    shown = visitor.find(".letter").text
    assert text in shown
    assert begins in shown
    assert visitor.find(".letter .written-before").text
    journey.step("patient")


def give_a_second_opinion(journey: Journey, colleague: Caller, number: int) -> None:
    visitor = journey.visitor
    visitor.enter(colleague, "doctor")
    visitor.find(f"{FIRST}.current a[data-number='{number}']")
    journey.step("colleague")
    visitor.keys("o")
    journey.see("noteForWhoAsked")
    journey.see("opinionGive")
    visitor.see(QUESTION)
    journey.step("second-opinion")
    assert visitor.count(".letters, #review, .opinion-end") == 0
    visitor.choose("label", "basal_cell_carcinoma")
    visitor.find("textarea[name=comment]").send_keys(ANSWER, Keys.CONTROL, Keys.ENTER)
    journey.see("opinionGiven")
    visitor.await_truth(
        lambda: visitor.run("return location.hash") != f"#/case/{number}", "the next case"
    )


def decide_by_the_second_opinion(journey: Journey, doctor: Caller, number: int) -> None:
    visitor = journey.visitor
    visitor.enter(doctor, "doctor")
    visitor.find(f"{FIRST}.current")
    visitor.keys("j")  # beyond an urgent case that nobody has looked at
    visitor.find(f".current a[data-number='{number}']")
    visitor.find("nav .count")
    journey.see("opinionCame")
    journey.step("opinion-came")
    visitor.keys("o")
    journey.see("opinionUnpublished")
    journey.see("noteForPatient")
    visitor.see(QUESTION)
    visitor.see(ANSWER)
    journey.step("opinion")
    visitor.keys("d")
    visitor.find("[value=disagree]:checked:focus")
    visitor.keys("0")
    visitor.find("[name=label][value=actinic_keratosis_alone]:checked")
    visitor.keys("2")
    visitor.find("[name=label][value=basal_cell_carcinoma]:checked")
    journey.press("sign")
    visitor.find(".doubt")  # it is milder than the doctor's own
    visitor.await_truth(lambda: visitor.run(SIGN_OR_SEE), "the opinion is answered")
    visitor.see(ANSWER)


@pytest.mark.parametrize("look", looks(3), ids=str)
def test_the_question_to_a_colleague_who_is_gone_or_takes_over_the_patient_stays(
    visitor: Visitor, seeder: Seeder, doctors: tuple[Caller, Caller], look: Look
) -> None:
    doctor, colleague = doctors
    moved, left = [item["id"] for item in doctor.call("GET", "/queue").json]
    gone = seeder.person("doctor")
    for number, asked in ((moved, colleague), (left, gone)):
        body = {"colleague": asked.email, "question": QUESTION}
        answer = doctor.call("PUT", f"/submissions/{number}/second-opinion", json=body)
        assert answer.status == 200
    assert seeder.person("admin").call("PATCH", f"/users/{gone.email}/suspend").status == 200
    _, patient = owner_of(doctor, moved)
    seeder.services.decisions.assign_doctor(email=patient, doctor=colleague.email, by="admin")
    journey = Journey(visitor, "case-opinions", look)
    visitor.enter(doctor, "doctor")
    visitor.find(f"{FIRST}.current a[data-number='{left}']")
    visitor.keys("o")
    visitor.see(journey.say("colleagueGone", name="{").rpartition("{")[2])
    journey.step("gone-case")
    journey.press("opinionWithdraw")
    visitor.await_truth(lambda: visitor.count(".opinion-end") == 0, "the request is withdrawn")
    visitor.enter(colleague, "doctor")
    visitor.find(f"{FIRST}.current a[data-number='{moved}']")
    journey.step("asked-in-charge")
    visitor.keys("o")
    visitor.see(QUESTION)
    journey.see("noteForPatient")
    journey.see("opinionWithdraw")
    journey.step("asked-in-charge-case")
