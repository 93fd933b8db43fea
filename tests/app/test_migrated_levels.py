from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from skinapi.app.migration import levels
from skinapi.app.migration.steps import Tools, give_levels
from skinapi.model.conditions import Band
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Document, Store
from tests.app.former_keys import (
    make_awaited_key,
    make_due_key,
    make_reviewed_key,
    make_waiting_key,
)
from tests.care.clinic import REFERRAL, ROUTINE, URGENT
from tests.support.backends import Backend

SELF = Band.SELF_MONITORING
START = now().replace(microsecond=0) - timedelta(days=100)


def day(days: float) -> datetime:
    return START + timedelta(days=days)


class FormerSpot:
    """A spot of release 2.0.0. Days count from its start."""

    def __init__(self, store: Store) -> None:
        self.store = store
        store.collection("people_to_reach").ensure_index("account", "id")
        self.lesion: Document = {"id": "s", "created_at": day(0), "owner": "ada"}
        self.add("lesions", **self.lesion)

    def add(self, name: str, **fields: Any) -> None:
        self.store.collection(name).insert({"schema": 1, **fields})

    def find(self, at: float, band: Band, decided: Band | None = None, **fields: Any) -> None:
        number = self.store.collection("submissions").count() + 1
        waits = make_waiting_key(band, 0.5, day(at), number)
        key = make_reviewed_key(decided, day(at), number) if decided else waits
        stored = {"number": number, "owner": "ada", "lesion": "s", "band": band, "queue_key": key}
        self.add("submissions", id=f"f{number}", created_at=day(at), **{**stored, **fields})

    def sign(self, at: float, finding: str, asked: Band, **said: Any) -> None:
        number = self.store.collection("reviews").count() + 1
        saw = said.pop("saw", None)
        opinion = {"urgency": asked, "label": None, "sample": None, **said}
        fields = {"submission": finding, "version": 1, "opinion": opinion, "saw": saw}
        self.add("reviews", id=f"r{number}", created_at=day(at), **fields)

    def level(self) -> None:
        give_levels(cast("Tools", SimpleNamespace(store=self.store)), self.lesion)

    def read(self, name: str) -> Document:
        collections = {"f": "submissions", "r": "reviews", "s": "lesions", "l": "letters"}
        found = self.store.collection(collections.get(name[0], "reports")).get(name)
        assert found
        return found

    def say(self, finding: str) -> tuple[Any, ...]:
        stored = self.read(finding)
        level, covered = stored["level"], stored.get("covered_by")
        return level["urgency"], level["source"], covered, stored.get("queued_at") is not None


@pytest.fixture(name="spot")
def _spot(backend: Backend) -> FormerSpot:
    return FormerSpot(backend.services.store)


def test_one_review_covers_what_its_doctor_saw(spot: FormerSpot) -> None:
    spot.find(0, URGENT, REFERRAL)
    spot.find(1, ROUTINE)
    spot.find(3, ROUTINE)
    spot.sign(2, "f1", REFERRAL, saw=["f2"])
    spot.level()
    assert spot.say("f1") == (REFERRAL, "review", ["r1"], False)
    assert spot.read("f1")["level"]["set_at"] == day(2)
    assert spot.read("f1")["level"]["review"] == "r1"
    assert spot.say("f2") == (ROUTINE, "model", ["r1"], True)  # as in the queue of 2.0.0
    assert spot.say("f3") == (ROUTINE, "model", None, True)
    review, lesion = spot.read("r1"), spot.read("s")
    assert (review["lesion"], review["spot_version"], lesion["version"]) == ("s", 3, 4)
    assert lesion["changed"] == {"act": "added", "changed_at": day(3)}
    assert not review.keys() & {"saw", "version"}


def test_where_reviews_disagree_the_most_urgent_counts_and_is_open(spot: FormerSpot) -> None:
    spot.find(0, URGENT, URGENT)
    spot.find(1, ROUTINE, SELF)
    spot.sign(2, "f1", URGENT, label="melanoma")
    spot.sign(3, "f2", SELF, label="melanocytic_nevus")
    spot.level()
    assert spot.say("f1") == (URGENT, "review", ["r1", "r2"], True)
    assert spot.read("f1")["level"]["review"] == "r1"
    assert spot.say("f2") == (SELF, "review", ["r1", "r2"], False)


def test_a_later_review_that_is_more_urgent_closes_what_it_covers(spot: FormerSpot) -> None:
    spot.find(0, ROUTINE, SELF)
    spot.find(1, ROUTINE, URGENT)
    spot.sign(2, "f1", SELF)
    spot.sign(3, "f2", URGENT)
    spot.level()
    for finding in ("f1", "f2"):
        assert spot.say(finding)[0::3] == (URGENT, False)


def test_a_newer_version_that_waits_keeps_what_a_review_asks(spot: FormerSpot) -> None:
    spot.find(0, REFERRAL, judged_at=day(4), version=2)
    spot.find(0, ROUTINE, judged_at=day(4), version=2)
    spot.sign(2, "f1", SELF, saw=[])
    spot.sign(3, "f2", REFERRAL, saw=[])
    spot.level()
    assert spot.say("f1") == (REFERRAL, "model", ["r1"], True)
    assert spot.read("f1")["level"]["set_at"] == day(4)
    assert spot.say("f2") == (REFERRAL, "review", ["r2"], True)
    assert spot.read("s")["changed"]["act"] == "judged"
    assert spot.read("s")["version"] > spot.read("r2")["spot_version"]


def test_what_a_comparison_asks_is_its_level(spot: FormerSpot) -> None:
    key = make_waiting_key(Band.DOCTOR_REVIEW, 0.5, day(1), 1)
    spot.find(1, ROUTINE, queue_key=key, changes=[{"before": "f0"}])
    spot.level()
    assert spot.say("f1") == (Band.DOCTOR_REVIEW, "comparison", None, True)


def test_a_finding_without_its_key_is_open(spot: FormerSpot) -> None:
    spot.find(0, REFERRAL, queue_key=None)
    spot.sign(1, "f1", SELF)
    spot.level()
    assert spot.say("f1") == (REFERRAL, "model", ["r1"], True)


def test_the_day_is_the_one_that_was_shown(spot: FormerSpot) -> None:
    shown = day(12).date()
    spot.find(0, URGENT, URGENT, due_key=make_due_key(shown, 1))
    spot.find(1, URGENT)
    spot.find(2, ROUTINE)
    spot.sign(0.5, "f1", URGENT, saw=[])
    spot.level()
    days = [spot.read(name)["level"].get("day") for name in ("f1", "f2", "f3")]
    assert days == [shown.isoformat(), day(8).date().isoformat(), None]


def test_an_awaited_result_and_a_wanted_photo_stay_awaited(spot: FormerSpot) -> None:
    spot.find(0, URGENT, URGENT, awaited_key=make_awaited_key("result", day(1), 1))
    spot.find(0, ROUTINE, URGENT, awaited_key=make_awaited_key("photo", day(2), 2))
    spot.sign(1, "f1", URGENT, sample="waiting")
    spot.sign(2, "f2", URGENT, photo_wanted=True)
    spot.level()
    assert spot.read("r2")["opinion"]["sample"] == "waiting"
    assert spot.read("s")["photo_wanted_at"] == day(2)


def test_a_finding_in_error_counts_nowhere(spot: FormerSpot) -> None:
    """Its review does not count either, but is kept. The spot is as old as the error."""
    spot.find(0, URGENT, error={"reason": "a cup", "entered_at": day(3)})
    spot.sign(1, "f1", URGENT, label="melanoma")
    spot.level()
    assert spot.say("f1")[2:] == (None, False)
    assert spot.read("r1")["lesion"] == "s"
    assert spot.read("s")["changed"] == {"act": "in_error", "changed_at": day(3)}
    assert "telling" not in spot.read("s")


def test_a_letter_and_a_report_have_the_version_at_which_they_were_made(spot: FormerSpot) -> None:
    spot.find(0, URGENT, URGENT)
    spot.sign(2, "f1", URGENT)
    letter = {"submission": "f1", "version": 2, "written_of": {}, "last_review": "r1"}
    misplaced = {"signed_at": day(3), "misplaced_at": day(5)}
    spot.add("letters", id="l1", created_at=day(1), **letter, **misplaced)
    spot.add("letters", id="l2", created_at=day(1), **letter)
    said = {"version": 1, "contents": {"review": "r1", "letters": ["l1"]}}
    spot.add("reports", id="p1", created_at=day(4), submission="f1", **said)
    spot.level()
    signed, draft, report = spot.read("l1"), spot.read("l2"), spot.read("p1")
    assert [item["spot_version"] for item in (signed, draft, report)] == [2, 1, 2]
    assert (spot.read("s")["version"], spot.read("s")["changed"]["act"]) == (3, "placed")
    assert (signed["version"], report["letters"]) == (2, ["l1"])
    assert not signed.keys() & {"written_of", "last_review", "misplaced_at"}
    assert not report.keys() & {"version", "contents"}


@pytest.mark.parametrize(
    ("signed", "opened", "listed", "waits"),
    [
        (90, None, False, True),
        (90, 91, False, False),
        (10, 11, False, False),
        (90, 80, False, True),
        (10, 5, False, False),
        (10, 5, True, True),
        (10, None, True, True),
        (10, 11, True, False),
    ],
)
def test_what_was_not_opened_waits_for_telling(
    spot: FormerSpot, signed: int, opened: int | None, listed: bool, waits: bool
) -> None:
    """If it is older than 30 days, it waits only if nothing was ever opened or a doctor was to
    notify.
    """
    spot.find(0, URGENT, URGENT, opened_at=day(opened) if opened else None)
    spot.find(0, ROUTINE, SELF)
    spot.sign(signed, "f1", REFERRAL)
    spot.sign(signed + 0.5, "f2", SELF)
    if listed:
        person = {"account": "ada", "findings": [{"number": 1}]}
        spot.add("people_to_reach", id="p", created_at=day(95), **person)
    spot.level()
    lesion = spot.read("s")
    told = {"began_at": day(signed), "grave": False} if waits else None
    assert lesion.get("telling") == told
    assert lesion.get("opened_at") == (day(opened) if opened else None)
    assert "opened_at" not in spot.read("f1")


@pytest.mark.parametrize("why", ["unreviewed", "message"])
def test_an_urgent_finding_that_a_doctor_was_to_speak_about_waits_for_telling(
    spot: FormerSpot, why: str
) -> None:
    spot.find(90, URGENT, opened_at=day(91))
    said = {"number": 1, "why": why, "urgency": URGENT}
    spot.add("people_to_reach", id="p", created_at=day(95), account="ada", findings=[said])
    spot.level()
    told = {"began_at": day(95), "grave": True} if why == "unreviewed" else None
    assert spot.read("s").get("telling") == told


def test_a_cancer_is_to_be_told_as_grave(spot: FormerSpot) -> None:
    spot.find(0, ROUTINE, ROUTINE)
    spot.sign(95, "f1", ROUTINE, label="melanoma")
    spot.level()
    assert spot.read("s")["telling"] == {"began_at": day(95), "grave": True}


def test_an_interrupted_spot_is_done_whole(
    spot: FormerSpot, monkeypatch: pytest.MonkeyPatch
) -> None:
    spot.find(0, URGENT, REFERRAL, opened_at=day(5))
    spot.sign(2, "f1", REFERRAL, saw=[])
    before = [spot.read(name) for name in ("f1", "r1", "s")]
    with monkeypatch.context() as patch:
        patch.setattr(levels, "_store_state", interrupt)
        with pytest.raises(KeyError):
            spot.level()
    assert [spot.read(name) for name in ("f1", "r1", "s")] == before
    spot.level()
    after = [spot.read(name) for name in ("f1", "r1", "s")]
    spot.level()  # a spot that is done stays as it is
    assert [spot.read(name) for name in ("f1", "r1", "s")] == after
    assert after[2]["opened_at"] == day(5)


def interrupt(*_: object) -> None:
    raise KeyError
