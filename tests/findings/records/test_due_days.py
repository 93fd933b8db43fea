"""By which day a doctor should have seen a spot: the table of docs/reviews.md ("By when")."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skinapi.findings.records.decisions import Decision
from skinapi.findings.records.reviews import Certainty, Histology, Opinion, Review
from skinapi.findings.records.standing import FindingStanding, JudgedPhoto, SaidBy, reconcile
from skinapi.model.bands import urgency
from skinapi.model.conditions import Band

URGENT, REFERRAL, REVIEW, ROUTINE, SELF = Band
BEGAN = datetime(2026, 11, 1, 9, tzinfo=UTC)
SURE, UNSURE = Certainty.SURE, Certainty.UNSURE
PHOTO: dict[str, Any] = {"certainty": UNSURE, "new_picture_wanted": True}
AWAITED: dict[str, Any] = {"histology": Histology.AWAITED}


def review(day: int, band: Band | None = None, *, doctor: str = "a", **said: Any) -> Review:
    """`band` is the urgency that the doctor says; a mole is named where one is."""
    values = {"certainty": SURE, "urgency": band, "label": band and "melanocytic_nevus", **said}
    return Review(
        id=f"{day:04d}",
        created_at=BEGAN + timedelta(days=day),
        signature="Dr Grey",
        submission="1",
        doctor=doctor,
        opinion=Opinion(**values),
    )


def result(day: int, label: str = "melanoma") -> Review:
    said: dict[str, Any] = {"histology_result": label, "histology": Histology.CONFIRMED}
    return review(day, **said)


def found(band: Band, *reviews: Review, day: int = 0) -> FindingStanding:
    at = BEGAN + timedelta(days=day)
    return FindingStanding(
        JudgedPhoto(f"{day}", day, band, created_at=at, photographed_at=at),
        Decision.of(reviews, band, at),
    )


def due(*findings: FindingStanding) -> int | None:
    """How many days after the first finding."""
    told = reconcile(findings)
    day: date | None = told.counts.due
    return None if day is None else (day - BEGAN.date()).days


@pytest.mark.parametrize(
    ("findings", "day"),
    [
        # the check alone
        ([found(URGENT)], 7),
        ([found(REFERRAL)], 14),
        ([found(REVIEW)], None),
        ([found(URGENT), found(URGENT, day=4)], 7),
        ([found(REFERRAL), found(URGENT, day=4)], 11),
        ([found(REFERRAL), found(URGENT, day=12)], 14),
        # a review that asks for the same, or for more, moves no day
        ([found(URGENT, review(2, **PHOTO))], 7),
        ([found(URGENT, review(2, URGENT))], 7),
        ([found(URGENT, review(2, certainty=UNSURE, label="melanocytic_nevus"))], 7),
        ([found(SELF, review(2, URGENT), review(5, URGENT))], 9),
        ([found(REFERRAL, review(2, URGENT))], 9),
        ([found(REFERRAL, review(10, URGENT))], 14),
        # a milder one counts from when the spot was at least so urgent
        ([found(URGENT, review(2, REFERRAL))], 14),
        ([found(URGENT, review(2, SELF))], None),
        # what was settled in between begins anew
        ([found(URGENT, review(2, SELF), review(5, URGENT))], 12),
        ([found(URGENT, review(2, REFERRAL), review(5, URGENT))], 12),
        ([found(URGENT, review(2, SELF)), found(URGENT, day=20)], 27),
        # a sample was taken, and the result judges anew
        ([found(URGENT, review(2, URGENT, **AWAITED))], None),
        ([found(URGENT, review(2, URGENT, **AWAITED), result(20))], 27),
        ([found(URGENT, result(20), review(22, URGENT))], 27),
        ([found(URGENT, result(20), result(22))], 27),
        ([found(URGENT), found(SELF, result(20), day=9)], 27),
        # of several findings the earliest, until a decision is milder
        ([found(URGENT), found(SELF, review(5, URGENT), day=4)], 7),
        ([found(URGENT), found(SELF, day=4)], 7),
        ([found(SELF, review(1, URGENT)), found(URGENT, review(9, URGENT), day=8)], 8),
        ([found(URGENT), found(SELF, review(5, SELF), day=4), found(URGENT, day=9)], 16),
    ],
)  # fmt: skip
def test_the_table_of_days_holds(findings: list[FindingStanding], day: int | None) -> None:
    assert due(*findings) == day


REVIEWS: st.SearchStrategy[list[dict[str, Any]]] = st.lists(
    st.builds(
        dict,
        band=st.sampled_from([None, *Band]),
        doctor=st.sampled_from("ab"),
        certainty=st.sampled_from(Certainty),
        new_picture_wanted=st.booleans(),
        histology=st.sampled_from([None, Histology.NOT_TAKEN, Histology.AWAITED]),
    ),
    min_size=2,
    max_size=6,
)


@given(band=st.sampled_from(Band), said=REVIEWS, other=st.sampled_from([None, *Band]))
def test_no_review_that_is_not_milder_moves_the_day(
    band: Band, said: list[dict[str, Any]], other: Band | None
) -> None:
    reviews = [review(day, **one) for day, one in enumerate(said, 1)]
    older = [found(other)] if other else []
    before = reconcile([*older, found(band, *reviews[:-1])])
    after = reconcile([*older, found(band, *reviews)])
    assert before
    assert after
    milder = urgency(after.counts.band) > urgency(before.counts.band)
    if before.counts.due and after.counts.due and not milder:
        assert after.counts.due <= before.counts.due


def test_what_was_decided_before_is_listed_with_its_date() -> None:
    told = reconcile([found(URGENT, review(2, SELF), review(5, URGENT, **AWAITED), result(9))])
    assert told
    others = [(one.said_by, one.band, (one.since - BEGAN).days) for one in told.others]
    assert others == [
        (SaidBy.DECISION, URGENT, 5),
        (SaidBy.DECISION, SELF, 2),
        (SaidBy.FINDING, URGENT, 0),
    ]
    assert told.counts.by_result
