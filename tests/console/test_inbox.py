"""What a patient sees first: what waits to be done, then the spots, in pages."""

import pytest

from tests.console.journey import Journey, Look, looks
from tests.console.test_spots import BACK, begin, send
from tests.console.visitor import PHONE, Visitor
from tests.served.people import Caller, Seeder
from tests.support.backends import change_account

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
