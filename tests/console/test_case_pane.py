"""A doctor's case: what stands where, what the keys do, and the way back to it."""

import pytest
from selenium.webdriver.common.keys import Keys

from tests.console.test_spots import begin, send
from tests.console.visitor import Visitor
from tests.served.people import Caller, Seeder
from tests.support.backends import change_account

DESK = (1366, 768)
CHOSEN = """
return ["urgency", "histology"].map((one) =>
  document.querySelector(`#review [name=${one}]`).value);
"""
IN_FORM = "return document.activeElement.form?.id === 'review'"
# Which share of the window the photo has, how many frames there are, and what lies over it.
PHOTO = """
const frames = [...document.querySelectorAll(".case-photo .photo-frame")];
const over = document.querySelector(".photo-stack canvas")?.getBoundingClientRect();
const own = document.querySelector(".photo-stack img").getBoundingClientRect();
return [frames[0].clientWidth / innerWidth, frames.length, over && over.width === own.width];
"""
ORDER = """
const [told, form] = [".last-message", "#review"].map((one) => document.querySelector(one));
return Boolean(told.compareDocumentPosition(form) & Node.DOCUMENT_POSITION_FOLLOWING);
"""


@pytest.fixture
def case(seeder: Seeder) -> tuple[Caller, int, str]:
    """A doctor, the newest finding of a patient's spot of two visits, and that spot."""
    doctor, ada = seeder.person("doctor"), seeder.person()
    change_account(seeder.services, ada.id, name="Ada Lovelace")
    seeder.services.decisions.assign_doctor(email=ada.email, doctor=doctor.email, by="admin")
    assert ada.call("PUT", "/me/consents", json={"photos": True}).status == 200
    spot = begin(ada, {"site": "back"}, "left")
    number = [send(ada, "melanoma", lesion=spot, age_band="45-59", sex="female") for _ in "ab"][-1]
    said = ada.call("POST", f"/lesions/{spot}/messages", json={"text": "It itches."})
    assert said.status == 201
    return doctor, number, spot


def opened(visitor: Visitor, case: tuple[Caller, int, str], *, language: str = "en") -> None:
    visitor.look(DESK, language=language)
    visitor.enter(case[0], "doctor")
    visitor.find(".finding-row.current")
    visitor.go(f"case/{case[1]}?list=all")
    visitor.find(".case .photo-frame img")
    visitor.find(".last-message")


def test_a_spot_says_whose_it_is_and_leads_back_to_the_case(
    visitor: Visitor, case: tuple[Caller, int, str]
) -> None:
    _, number, spot = case
    opened(visitor, case)
    for view in ("course", "visits"):
        visitor.find(f".strip a[href^='#/{view}/{spot}']").click()
        assert "Ada Lovelace" in visitor.find("p.patient").text
        assert "45" in visitor.find("p.patient").text
        visitor.find(".to-case").click()
        visitor.find(".case .photo-frame img")
        assert visitor.run("return location.hash") == f"#/case/{number}?list=all"
        visitor.find(f".strip a[href^='#/visits/{spot}']")


def test_the_kind_of_picture_is_the_patients_word_only_where_told(
    visitor: Visitor, case: tuple[Caller, int, str]
) -> None:
    """ "The patient told: dermoscopic" stood where the program had guessed it."""
    opened(visitor, case)
    assert "Kind of picture" not in visitor.find(".told").text
    assert "kind of picture, by the program: " in visitor.find(".reasons").text


def test_escape_leaves_a_field_and_keys_answer_for_urgency_and_histology(
    visitor: Visitor, case: tuple[Caller, int, str]
) -> None:
    opened(visitor, case)
    visitor.keys("m")
    visitor.find("[name=message]:focus").send_keys("Since when?", Keys.ESCAPE)
    visitor.await_truth(lambda: not visitor.count("[name=message]:focus"), "it is left")
    assert visitor.run(CHOSEN) == ["", ""]
    visitor.keys("y")
    visitor.keys("y")
    visitor.await_truth(lambda: visitor.run(CHOSEN)[1] == "awaited", "the histology")
    visitor.keys("g")
    visitor.await_truth(lambda: visitor.run(CHOSEN)[0] != "", "the urgency")
    visitor.await_truth(lambda: visitor.run(IN_FORM), "where Enter signs")
    visitor.keys("?")
    visitor.find(".case-head .help .card")
    visitor.go("queue")
    visitor.find(".pane-empty")
    visitor.keys("?")
    visitor.find(".cases .help .card")


def test_a_question_that_is_sent_leaves_the_focus_at_its_place(
    visitor: Visitor, seeder: Seeder, case: tuple[Caller, int, str]
) -> None:
    colleague = seeder.person("doctor")
    opened(visitor, case)
    visitor.keys("s")
    visitor.find(f"[name=colleague] [value='{colleague.id}']").click()
    visitor.find("[name=question]").send_keys("Is it?", Keys.CONTROL, Keys.ENTER)
    visitor.find(".work blockquote")
    visitor.await_truth(
        lambda: visitor.run("return document.activeElement !== document.body"), "the focus"
    )


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_photo_is_large_with_its_heat_over_it_and_what_was_told_comes_first(
    visitor: Visitor, case: tuple[Caller, int, str], language: str
) -> None:
    opened(visitor, case, language=language)
    assert visitor.run(ORDER)
    visitor.await_stillness()
    assert visitor.run(PHOTO)[0] >= 0.5
    visitor.keys("h")
    visitor.await_truth(lambda: visitor.run(PHOTO)[1:] == [1, True], "the heat over the one photo")
    words = visitor.words(language)
    shown = visitor.text()
    for key in ("nextSteps", "whyEarly", "messagesSlow"):
        assert words[key] not in shown


# As if the second of two pictures alone had asked for the urgency.
BY_SECOND_PICTURE = """
const ask = window.fetch;
window.fetch = async (path, options) => {
  const answer = await ask(path, options);
  if (!String(path).includes("/report.json")) return answer;
  const report = await answer.json();
  const pictures = [{ band: "self_monitoring" }, { band: report.facts.band }];
  const facts = { ...report.facts, raised_by: ["picture"], pictures };
  return new Response(JSON.stringify({ ...report, facts }), answer);
};
"""


@pytest.mark.parametrize(
    ("language", "reason"),
    [("en", "reason: picture 2 by itself"), ("fr", "motif : l'image 2 à elle seule")],
)
def test_the_picture_that_alone_asked_for_the_urgency_is_named_by_its_number(
    visitor: Visitor, case: tuple[Caller, int, str], language: str, reason: str
) -> None:
    visitor.look(DESK, language=language)
    visitor.enter(case[0], "doctor")
    visitor.find(".finding-row.current")
    visitor.run(BY_SECOND_PICTURE)
    visitor.go(f"case/{case[1]}?list=all")
    visitor.see(reason)
