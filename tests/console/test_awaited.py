"""What was promised stays in sight of the doctor: its lists, its patients, what a search finds."""

from datetime import UTC, datetime, timedelta

import pytest

from skinapi.records.queue_keys import make_awaited_key
from tests.console.journey import Journey, Look
from tests.console.test_spots import begin, send
from tests.console.visitor import Visitor
from tests.served.people import Caller, Seeder
from tests.support.backends import change_account

DESK = (1366, 768)
AWAITED = {
    "label": "basal_cell_carcinoma",
    "certainty": "sure",
    "histology": "awaited",
    "told_by": "server",
}
LONG_AGO = datetime.now(UTC).replace(microsecond=0) - timedelta(days=30)
WIDE = "return document.documentElement.scrollWidth > innerWidth"


def clinic(seeder: Seeder) -> tuple[Caller, list[int]]:
    """A doctor and the numbers of two findings of Ada Lovelace, one of which awaits histology."""
    doctor, ada = seeder.person("doctor"), seeder.person()
    change_account(seeder.services, ada.id, name="Ada Lovelace")
    seeder.services.decisions.assign_doctor(email=ada.email, doctor=doctor.email, by="admin")
    assert ada.call("PUT", "/me/consents", json={"photos": True}).status == 200
    for key in ("melanoma", "melanoma"):
        send(ada, key, body_site="hand")
    found = [one["id"] for one in doctor.call("GET", "/queue").json]
    answer = doctor.call("POST", f"/submissions/{found[0]}/review", json=AWAITED)
    assert answer.status == 201
    return doctor, found


@pytest.mark.parametrize("look", [Look(DESK, True, "fr"), Look((390, 844), False, "en")], ids=str)
def test_what_is_awaited_is_found_from_the_queue_and_the_patients(
    visitor: Visitor, seeder: Seeder, look: Look
) -> None:
    doctor, (awaited, _) = clinic(seeder)
    journey = Journey(visitor, "awaited", look)
    visitor.enter(doctor, "doctor")
    option = "return document.querySelector('[name=which-list] [value=result]')?.textContent"
    visitor.await_truth(lambda: "(1)" in (visitor.run(option) or ""), "its count")
    visitor.go("queue?list=result")
    visitor.await_truth(lambda: visitor.count(f"[data-number='{awaited}']") == 1, "the list")
    journey.see("awaited_result")
    journey.step("list")
    visitor.go("patients")
    link = visitor.find(f"a[href='#/case/{awaited}?list=result']")
    assert journey.say("awaited_result") in link.text
    assert not visitor.run(WIDE)


def test_a_head_counts_its_rows_and_a_search_offers_the_other_lists(
    visitor: Visitor, seeder: Seeder
) -> None:
    doctor, numbers = clinic(seeder)
    visitor.look(DESK)
    visitor.enter(doctor, "doctor")
    assert visitor.find(".urgency h2").text.split()[-1] == "1"
    answer = doctor.call("POST", f"/submissions/{numbers[1]}/review", json=AWAITED)
    assert answer.status == 201
    visitor.go("queue?q=love")
    visitor.find(".empty a[href='#/queue?list=all&q=love']").click()
    visitor.await_truth(lambda: visitor.count(".finding-row") == 2, "both of them")
    visitor.go("queue")
    visitor.find(".empty a[href='#/queue?list=result']").click()
    visitor.await_truth(lambda: visitor.count(".finding-row") == 2, "those awaited")


def test_the_lists_mark_what_is_overdue_not_judged_or_replaced(
    visitor: Visitor, seeder: Seeder
) -> None:
    """The mole of June stood unmarked beside the melanoma that the same spot was by November."""
    doctor, ada = seeder.person("doctor"), seeder.person()
    seeder.services.decisions.assign_doctor(email=ada.email, doctor=doctor.email, by="admin")
    spot = begin(ada, {"site": "back"})
    mole, melanoma = (send(ada, "melanocytic_nevus", lesion=spot) for _ in range(2))
    told = {"body_site": "hand", "modality": "dermoscopic"}
    asked, sample = (send(ada, "melanocytic_nevus", **told) for _ in range(2))
    for number, said in (
        (mole, {"certainty": "sure", "label": "melanocytic_nevus"}),
        (melanoma, {"histology_result": "melanoma"}),
        (asked, {"certainty": "unsure", "new_picture_wanted": True}),
        (sample, AWAITED),
    ):
        answer = doctor.call("POST", f"/submissions/{number}/review", json=said)
        assert answer.status == 201, answer.json
    submissions = seeder.services.store.collection("submissions")
    [stored] = submissions.find({"number": sample}, limit=1)
    key = make_awaited_key("result", LONG_AGO, sample)
    assert submissions.update({"number": sample}, {"$set": {"awaited_key": key}})
    reviews = seeder.services.store.collection("reviews")
    signed = {"$set": {"created_at": LONG_AGO}}
    assert reviews.update({"submission": stored["id"]}, signed)
    visitor.look(DESK)
    visitor.enter(doctor, "doctor")
    visitor.go("queue?list=reviewed")
    visitor.see(f"replaced by finding {melanoma}: Melanoma")
    assert visitor.count(".finding-row.past") == 1
    heads = [one.text for one in visitor.all(".urgency h2")]
    assert heads[-1].startswith("Not judged yet")
    assert visitor.count(f".below [data-number='{asked}']") == 0
    assert "Histology awaited (1, overdue)" in visitor.find(".notes .overdue").text
    visitor.find(f"li:has([data-number='{sample}']) .overdue svg")
    visitor.go(f"case/{sample}")
    visitor.see("The result is overdue")
    visitor.go(f"case/{mole}")
    visitor.see(f"(Finding {melanoma}): Melanoma")
    visitor.see("What was said of a newer photo counts now.")
    assert visitor.count(".verdict.decided") == visitor.count(".standing") == 0
    visitor.go("patients")
    visitor.see("visit due by")
