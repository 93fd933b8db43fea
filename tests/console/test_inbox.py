"""What a patient sees first: what waits to be done, then the spots, in pages."""

from datetime import date, timedelta

import pytest

from skinapi.storage.ids import now
from tests.console.journey import Journey, Look, looks
from tests.console.test_spots import BACK, begin, send
from tests.console.visitor import PHONE, Visitor
from tests.served.people import Caller, Seeder
from tests.support.backends import change_account

PAGE = 10
SCROLLED = "return document.querySelector('.page').scrollTop"
MIDDLE_OF_PHOTO = """
const {top, height} = document.querySelector('.spot-photo img').getBoundingClientRect();
return top + height / 2;
"""
# Pixels: of a row of the course on a phone.
ROW = 100
# Where it ends, from the top of the first screen.
TASK_ENDS = "return document.querySelector('.task').getBoundingClientRect().bottom"


@pytest.fixture
def grey(seeder: Seeder) -> Caller:
    return seeder.person("doctor")


@pytest.fixture
def ada(seeder: Seeder, grey: Caller) -> Caller:
    ada = seeder.person()
    change_account(seeder.services, ada.id, doctor_id=grey.id)
    return seeder.caller(ada.id, ada.email)


def unread(patient: Caller) -> list[int]:
    return [one["unread"] for one in patient.call("GET", "/messages").json]


def review(doctor: Caller, number: int, **fields: object) -> None:
    said = {"told_by": "server", **fields}
    answer = doctor.call("POST", f"/submissions/{number}/review", json=said)
    assert answer.status == 201, answer.json


def say_due(day: str) -> str:
    due = date.fromisoformat(day)
    year = "" if due.year == now().year else f", {due.year}"
    days = (due - now().date()).days
    near = f" ({'tomorrow' if days == 1 else f'in {days} days'})" if days <= 14 else ""
    return f"{due:%A, %B} {due.day}{year}{near}"


def tasks(visitor: Visitor) -> list[str]:
    return [one.text.partition("\n")[0] for one in visitor.all(".inbox > .list > li")]


@pytest.mark.parametrize("look", looks(0), ids=str)
def test_the_home_page_begins_with_what_a_patient_has_to_do(
    visitor: Visitor, ada: Caller, grey: Caller, look: Look
) -> None:
    left, thumb = begin(ada, BACK, "left of the spine"), begin(ada, {"site": "hand"}, "thumb")
    decided, blurred = (send(ada, "melanocytic_nevus", lesion=one) for one in (left, thumb))
    review(grey, decided, label="melanoma", certainty="sure")
    review(grey, blurred, new_picture_wanted=True)
    grey.call("POST", f"/lesions/{left}/messages", json={"text": "Please call us."})
    journey = Journey(visitor, "inbox", look)
    visitor.enter(ada, "user")
    journey.see("inbox")
    said = tasks(visitor)
    # A picture that nobody can judge lowers no urgency: the visit stays.
    assert said[1:3] == [journey.say("inbox_message"), journey.say("inbox_picture")]
    assert len(said) == 4
    assert visitor.count(".list > li:first-child.task.band-urgent_referral") == 1
    assert visitor.run(TASK_ENDS) < look.size[1]
    journey.step("home")
    visitor.press(f".task a[href='#/check/{thumb}']")
    visitor.find("input[name=photo]")
    visitor.go("spots")
    visitor.press(f".task.band-urgent_referral a[href='#/spot/{left}']")
    visitor.see("Please call us.")
    visitor.await_stillness()
    assert visitor.run(SCROLLED) == 0, "what is urgent stands at the top"
    assert unread(ada) == [1], "nobody has come for the message"
    visitor.go("spots")
    visitor.press(f".task a[href='#/spot/{left}?at=messages']")
    visitor.see("Please call us.")
    visitor.await_truth(lambda: visitor.run(SCROLLED) > 0, "to stand at the message")
    visitor.await_answer(f"/lesions/{left}/messages/read")
    visitor.go("spots")
    visitor.await_truth(
        lambda: tasks(visitor) == [said[0], *said[2:]], "the message to wait no more"
    )


def test_a_message_that_is_scrolled_into_sight_is_read(
    visitor: Visitor, ada: Caller, grey: Caller
) -> None:
    spot = begin(ada, BACK, "left of the spine")
    send(ada, "melanoma", lesion=spot)
    grey.call("POST", f"/lesions/{spot}/messages", json={"text": "Please call us."})
    visitor.look(PHONE)
    visitor.enter(ada, "user")
    visitor.open_view(f"spot/{spot}")
    visitor.see("Please call us.")
    assert unread(ada) == [1]
    visitor.run("document.querySelector('[name=message]').scrollIntoView()")
    visitor.await_truth(lambda: unread(ada) == [], "it to be read")


@pytest.mark.parametrize("look", [Look(PHONE, False, "en"), Look((1366, 768), True, "fr")], ids=str)
def test_a_new_patient_reads_one_sentence_and_sees_one_button(
    visitor: Visitor, ada: Caller, look: Look
) -> None:
    journey = Journey(visitor, "new", look)
    visitor.enter(ada, "user")
    journey.see("spotsEmpty")
    journey.see("spotsEmptyDoctor", name="Ada")
    assert visitor.count(".body-map") == 0
    ends = "return document.querySelector('.lead').getBoundingClientRect().bottom"
    assert visitor.run(ends) < look.size[1] / 2
    assert visitor.count("main .primary") == 1


def test_a_day_to_act_on_is_said_with_its_weekday_in_each_language(visitor: Visitor) -> None:
    """Of the same weekday in a week, "by Friday" read as today."""
    week = now().date() + timedelta(days=7)
    for language, day, said in (
        ("en", "2029-12-03", "Monday, December 3, 2029"),
        ("fr", "2029-12-01", "samedi 1er décembre 2029"),
        ("en", week.isoformat(), say_due(week.isoformat())),
    ):
        visitor.look(language=language)
        visitor.open("/console/")
        call = f"one.sayDueDay('{day}')"
        assert said == visitor.run(f"return import('/console/language.js').then((one) => {call})")


# Sentences with a day of each month that ends in two dots.
TWO_DOTS = """
return import("/console/language.js").then(async ({ getLanguage, say, sayDay, sayShortDay }) => {
  const { english, french } = await import(`/console/words.${getLanguage()}.js`);
  const keys = Object.entries(english ?? french).filter(([, words]) => words.includes("{date}."));
  const months = [...Array(12).keys()].map((month) => new Date(Date.UTC(2026, month, 11)));
  const days = months.map((day) => day.toISOString().slice(0, 10));
  const said = days.flatMap((day) => [sayDay, sayShortDay].flatMap((write) =>
    keys.map(([key]) => say(key, { date: write(day) }))));
  return [said.length > 24, said.filter((sentence) => sentence.includes(".."))];
});
"""


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_month_cut_short_ends_a_sentence_with_one_dot(visitor: Visitor, language: str) -> None:
    """French read "11 déc..": the dot of the month, and that of the sentence."""
    visitor.look(language=language)
    visitor.open("/console/")
    assert visitor.run(TWO_DOTS) == [True, []]


def test_what_is_due_later_stands_apart_and_opens_no_camera(
    visitor: Visitor, ada: Caller, grey: Caller
) -> None:
    spot = begin(ada, BACK, "left of the spine")
    number = send(ada, "melanocytic_nevus", lesion=spot)
    review(grey, number, label="melanocytic_nevus", certainty="sure", urgency="self_monitoring")
    visitor.enter(ada, "user")
    visitor.see("Later: Photograph again on")
    assert visitor.count(".task") == 0
    visitor.press(f"main p a[href='#/spot/{spot}']")
    due = say_due(ada.call("GET", f"/lesions/{spot}").json["reminder"]["due"])
    visitor.press_button(f"For the calendar: Photograph the spot again, {due}")
    visitor.see("was saved as the file skinapi.ics")
    review(grey, number, histology_result="melanoma", told_by="server", note="Removed whole.")
    last = say_due(ada.call("GET", f"/lesions/{spot}").json["instruction"]["due"])
    visitor.go("spots")
    visitor.press(f".task a[href='#/spot/{spot}']")
    visitor.see(f"For the calendar: See a doctor, by {last}")
    visitor.see("Removed whole.")
    assert visitor.count(f".primary[href='#/check/{spot}']") == 0, "nobody asks for a photo of it"


def test_the_page_of_a_spot_says_first_what_it_is_likely_to_be_beside_its_photo(
    visitor: Visitor, ada: Caller
) -> None:
    spot = begin(ada, BACK, "left of the spine")
    for _ in range(3):
        send(ada, "melanocytic_nevus", lesion=spot)
    likely = ada.call("GET", f"/lesions/{spot}").json["latest"]["headline"]["patient"]["en"]
    visitor.look(PHONE)
    visitor.enter(ada, "user")
    visitor.open_view(f"spot/{spot}")
    assert visitor.find(".likely").text == likely
    assert visitor.run(MIDDLE_OF_PHOTO) < PHONE[1]
    rows = visitor.run(
        "return [...document.querySelectorAll('.own-findings > li')].map((one) => one.offsetHeight)"
    )
    assert max(rows) < ROW
    assert visitor.count(".own-findings > li button:not(.menu-button, .menu *)") == 0


def test_a_finding_says_who_gets_it_until_that_doctor_has_answered(
    visitor: Visitor, ada: Caller, grey: Caller
) -> None:
    spot = begin(ada, BACK, "left of the spine")
    number = send(ada, "melanoma", lesion=spot)
    visitor.enter(ada, "user")
    visitor.open_view(f"finding/{number}")
    visitor.see("Ada will look at this. There is no answer yet.")
    assert [one.text for one in visitor.all("main .primary")] == ["Write to Ada"]
    assert visitor.count(f"a[href='#/visits/{spot}']") == 0, "there is nothing to compare with"
    visitor.press_button("Write to Ada")
    visitor.see("Ada reads this. It may take days.")
    review(grey, number, label="melanoma", certainty="sure")
    visitor.open_view(f"finding/{number}")
    visitor.see("Decided by Ada")
    visitor.see_none("There is no answer yet")


@pytest.mark.parametrize("look", looks(3), ids=str)
def test_the_page_of_a_spot_shows_what_counts_and_folds_what_was_said_before(
    visitor: Visitor, ada: Caller, grey: Caller, look: Look
) -> None:
    spot = begin(ada, BACK, "left of the spine")
    before, now = (send(ada, "melanocytic_nevus", lesion=spot) for _ in range(2))
    review(grey, now, label="melanoma", certainty="sure")
    drafted = grey.call("POST", f"/submissions/{now}/letters", json={"reader": "patient"}).json
    signed = {name: drafted[name] for name in ("text", "version", "decision")}
    assert grey.call("POST", f"/letters/{drafted['_id']}/sign", json=signed).status == 200
    journey = Journey(visitor, "inbox", look)
    visitor.enter(ada, "user")
    visitor.go(f"spot/{spot}")
    visitor.find(".spot-now .instruction.band-urgent_referral")
    visitor.find(".spot-now .photo-frame img")
    visitor.find(".conversation")
    journey.see("letterToYou")
    assert visitor.count(f"li:has(a[href='#/finding/{now}']) .band-urgent_referral") == 1
    folded = f"li:has(a[href='#/finding/{before}']) details.past:not([open])"
    assert visitor.count(f"{folded} .band-none") == 1
    journey.step("spot")


def test_many_spots_are_listed_a_page_at_a_time_and_drawn_at_once(
    visitor: Visitor, ada: Caller
) -> None:
    for number in range(PAGE + 1):
        begin(ada, {"site": "back"}, f"spot {number + 1}")
    visitor.look(PHONE)
    visitor.enter(ada, "user")
    visitor.find("g.point")
    assert (visitor.count("g.point"), visitor.count("ol.list > li")) == (PAGE + 1, PAGE)
    visitor.press_button("Next")
    visitor.await_truth(lambda: visitor.count("ol.list > li") == 1, "the last one")
    visitor.see("spot 11")


def test_one_logs_out_everywhere_at_once(
    visitor: Visitor, ada: Caller, seeder: Seeder, grey: Caller
) -> None:
    elsewhere = seeder.caller(ada.id, ada.email)
    visitor.enter(ada, "user")
    visitor.go("account")
    visitor.press_button("Log out everywhere")
    visitor.press("dialog .danger")
    visitor.await_truth(
        lambda: elsewhere.call("GET", "/me").status == 401, "the other session to end"
    )
    visitor.await_truth(lambda: ada.call("GET", "/me").status == 401, "this one to end")
    visitor.see("No account yet?")
    assert grey.call("GET", "/me").status == 200


@pytest.mark.parametrize(
    ("hour", "zone", "ahead"),
    [("T02:00:00Z", "Pacific/Pago_Pago", True), ("T02:00:00Z", "Europe/Zurich", False)],
)
def test_a_photo_is_due_by_the_day_where_one_is(
    visitor: Visitor, ada: Caller, grey: Caller, hour: str, zone: str, ahead: bool
) -> None:
    number = send(ada, "melanocytic_nevus", lesion=begin(ada, BACK, "left of the spine"))
    review(grey, number, label="melanocytic_nevus", certainty="sure", urgency="self_monitoring")
    [due] = [one["due"] for one in ada.call("GET", "/inbox").json["tasks"] if one["due"]]
    visitor.look()
    visitor.set_clock(due + hour, zone)
    try:
        visitor.enter(ada, "user")
        words = visitor.words("en")["inbox_photograph" if ahead else "inbox_photograph_due"]
        visitor.see(words.partition("{")[0])
        assert visitor.count(".task") == (0 if ahead else 1)
    finally:
        visitor.set_clock(due, "")
