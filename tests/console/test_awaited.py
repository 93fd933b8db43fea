"""What was promised stays in sight of the doctor: its lists, its patients, what a search finds."""

from datetime import UTC, datetime, timedelta

from skinapi.findings.records.list_keys import make_awaited_key
from tests.console.test_spots import begin, send
from tests.console.visitor import Visitor
from tests.served.people import Seeder

DESK = (1366, 768)
AWAITED = {
    "label": "basal_cell_carcinoma",
    "certainty": "sure",
    "histology": "awaited",
    "told_by": "server",
}
LONG_AGO = datetime.now(UTC).replace(microsecond=0) - timedelta(days=30)


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
