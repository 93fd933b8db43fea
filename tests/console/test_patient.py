from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys

from skinapi.findings.reports.words import sentences_of
from skinapi.model.conditions import Band, conditions_table
from skinapi.platform.storage.ids import now
from tests.console.journey import Journey, Look, file_of, looks
from tests.console.visitor import Visitor
from tests.served.people import Seeder
from tests.support.photos import photo_in, photo_of

PASSWORD = "a long enough passphrase"
BETTER = "a still longer passphrase"
BACK = ".body-map figure:last-child path:nth-of-type(3)"
SCROLLED = "return document.querySelector('.page').scrollTop"


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return file_of(tmp_path, "lesion.jpg", photo_of("melanoma", (600, 450)))


@pytest.mark.parametrize("look", looks(1), ids=str)
def test_from_registering_to_a_report_and_out_again(
    visitor: Visitor, seeder: Seeder, photo: Path, look: Look
) -> None:
    email = f"ada-{look}@example.org"
    journey = Journey(visitor, "patient", look)
    register(journey, email)
    seeder.services.decisions.approve_account(email=email, role=None, by="admin")
    enter(journey, email)
    send_a_photo(journey, photo)
    read_the_finding(journey)
    delete_it(journey)
    keep_the_account_in_order(journey)


def register(journey: Journey, email: str) -> None:
    visitor = journey.visitor
    visitor.open("/#/register")
    visitor.type(name="Ada Lovelace", email=email, password=PASSWORD)
    journey.press("title_register", within="narrow")
    journey.see("waitingTitle")
    journey.step("registered")
    visitor.go("login")
    visitor.type(email=email, password=PASSWORD)
    visitor.press("form .primary")
    journey.see("waitingTitle")
    journey.see("waitingUrgent")
    journey.see("toldStands")
    words = conditions_table().band_entry(Band.DOCTOR_REVIEW)
    visitor.see_none(getattr(words, journey.language).action)
    journey.step("not-approved", expected=("/login",))


def enter(journey: Journey, email: str) -> None:
    journey.visitor.go("login")
    journey.visitor.type(email=email, password=PASSWORD)
    journey.visitor.press("form .primary")
    journey.see("spotsEmpty")
    journey.step("no-spots")
    journey.press("title_check")
    journey.see("choosePhoto")
    journey.step("check")


def send_a_photo(journey: Journey, photo: Path) -> None:
    visitor = journey.visitor
    assert not visitor.find("[name=body_site]").is_displayed(), "before there is a photo"
    dark = file_of(photo.parent, "dark.png", photo_in((12, 10, 9)))
    visitor.hand_in("photo", dark)
    visitor.find("figure.crop canvas")
    visitor.swipe_up(".crop canvas", 150)
    visitor.await_truth(lambda: visitor.run(SCROLLED) > 50, "the page to follow the swipe")
    visitor.await_rest(SCROLLED, "the page to stand still")
    visitor.answer("sex", "other")
    visitor.find("[name=sex][value=other]:checked")
    journey.press("skipQuestions")
    assert visitor.count("[name=keep_photo]:checked") == 0, "it was asked, and nothing was sent"
    journey.step("keep-first")
    visitor.answer("keep_photo", "false")
    journey.press("sendPhoto")
    journey.see("photoRefused")
    journey.step("refused", expected=("/predict",))
    journey.press("otherPhoto", within="message")
    visitor.hand_in("photo", photo)
    visitor.find("[name=sex][value=other]:checked")  # what was said of the spot stays
    visitor.slide(".crop input", *[Keys.ARROW_RIGHT] * 10)
    visitor.answer("checklist", "oozing")
    journey.step("checklist")
    visitor.ask("body_site")
    journey.step("place")
    visitor.press(BACK)
    assert visitor.find("[name=body_site]").get_attribute("value") == "back"
    visitor.ask("modality")
    journey.step("kind")
    for question, value in (
        ("birth_year", str(now().year - 50)),
        ("skin_tone", "dark"),
        ("keep_photo", "true"),
    ):
        visitor.answer(question, value)
        journey.step(question)
    visitor.go_offline(True)
    journey.press("sendPhoto")
    journey.see("offline")
    journey.step("offline", expected=("/predict",))
    visitor.go_offline(False)
    journey.press("tryAgain")


# The texts that stand by themselves, each once; unfolded, if asked.
READ_PARAGRAPHS = """
if (arguments[0]) document.querySelectorAll(".finding details").forEach((one) => (one.open = true));
const texts = "main :is(h1, h2, h3, p, li, small, summary), .page > .notice";
return [...document.querySelectorAll(texts)]
  .filter((one) => one.checkVisibility() && !one.querySelector("p, li, small"))
  .map((one) => one.innerText);
"""


def read_what_comes_first(journey: Journey) -> None:
    visitor = journey.visitor
    visitor.find(".finding .heat-photo img")
    visitor.await_stillness()  # the page may draw its texts anew
    first = visitor.read_all(".verdict > :is(h1, p:not(.eyebrow, .how, .due))")
    assert [len(sentences_of(item)) for item in first] == [1, 1, 1]
    assert visitor.read(".verdict .how")
    assert visitor.read(".verdict .due")
    visitor.assert_frame()  # the notice is visible without scrolling
    folded = visitor.run(READ_PARAGRAPHS, False)
    texts = visitor.run(READ_PARAGRAPHS, True)
    assert len(texts) > len(folded) > len(first)
    said = [s for text in texts for s in sentences_of(text) if s[-1] in ".!?"]
    assert len(said) > 10
    assert {item for item in said if said.count(item) > 1} == set()


def read_the_finding(journey: Journey) -> None:
    visitor = journey.visitor
    visitor.find(".band-urgent_referral h1")
    journey.see("notice")
    journey.step("finding-first")
    read_what_comes_first(journey)
    journey.step("finding")
    visitor.slide(".heat-photo input", Keys.ARROW_RIGHT)
    journey.press("heatMap")
    visitor.find(".heat-photo canvas")
    journey.step("heat-map")
    journey.press("pdfReport")
    visitor.await_answer(f"/report.pdf?lang={journey.language}")
    visitor.press("summary")
    journey.step("about")


def delete_it(journey: Journey) -> None:
    visitor = journey.visitor
    visitor.press(".top a[href='#/spots']")
    visitor.press(".spot-row a")
    visitor.find(".spot-photo")  # the page before has a list of findings, too
    visitor.find(".own-findings li")
    visitor.run("document.querySelector('.own-findings li').scrollIntoView()")
    visitor.find("img.thumb")
    journey.step("spot")
    visitor.press(".own-findings .menu-button")
    visitor.press(".own-findings .menu .danger")
    journey.see("deleteFinding")
    journey.step("delete")
    visitor.press("dialog .danger")
    journey.see("photosDeleted")  # and what it says stays
    assert visitor.count(".verdict.band-urgent_referral") == 1
    journey.step("no-findings")


def keep_the_account_in_order(journey: Journey) -> None:
    visitor = journey.visitor
    visitor.press(".top a[href='#/account']")
    journey.see("thisSession")
    journey.step("account")
    visitor.press("details:not(.factor) summary")
    visitor.type(current=PASSWORD, fresh=BETTER, again=f"{BETTER}!")
    visitor.press("form .primary")
    journey.see("passwordsDiffer")
    visitor.type(again=BETTER)
    visitor.press("form .primary")
    journey.see("passwordSaved")
    visitor.await_truth(lambda: visitor.count("details[open]") == 0, "the form to be put away")
    assert visitor.find("[name=current]").get_attribute("value") == ""
    journey.step("password")
    visitor.press("main a[href='#/my-data']")
    journey.see("consents")
    visitor.press("[name=agree-photos]")
    journey.see("saved")
    journey.step("my-data")
    journey.press("logOut")
    journey.see("startTitle")
    visitor.see_none(journey.say("passwordSaved"))
    journey.step("left")
