"""By which day a doctor should have seen the spot: the table of docs/reviews.md."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skinapi.findings.status.decisions import Decision, before_weekend, due_day
from skinapi.findings.status.lesion_status import FindingStatus, JudgedPhoto, reconcile
from skinapi.findings.status.reviews import Certainty, Opinion, Review, Sample
from skinapi.model.bands import urgency
from skinapi.model.conditions import Band
from tests.support.findings import judged

URGENT, REFERRAL, REVIEW, ROUTINE, SELF = Band
FIRST_DAY = datetime(2026, 11, 4, 9, tzinfo=UTC)
MOLE: dict[str, Any] = {"label": "melanocytic_nevus", "certainty": Certainty.SURE}
SAMPLE: dict[str, Any] = {"sample": Sample.WAITING}


def review_on(day: int, band: Band, *, doctor: str = "a", **said: Any) -> Review:
    return Review(
        id=f"{day:04d}",
        created_at=FIRST_DAY + timedelta(days=day),
        signature="Dr Grey",
        submission="1",
        doctor=doctor,
        opinion=Opinion(**{"urgency": band, **MOLE, **said}),
    )


def result_on(day: int) -> Review:
    proven: dict[str, Any] = {"label": "melanoma", "certainty": Certainty.LABORATORY}
    return review_on(day, Band.URGENT_REFERRAL, **proven)


def found(
    band: Band, *reviews: Review, day: int = 0, again: tuple[tuple[int, Band], ...] = ()
) -> FindingStatus:
    """`again`: on which days its photo was judged again, and how urgent it was then."""
    versions = tuple(
        judged(asked, FIRST_DAY + timedelta(days=at), version)
        for version, (at, asked) in enumerate(((day, band), *again), 1)
    )
    return FindingStatus(
        JudgedPhoto(f"{day}", day, versions), Decision.from_reviews(reviews, versions)
    )


def due(*findings: FindingStatus) -> int | None:
    """How many days after the first finding."""
    told = reconcile(findings)
    day: date | None = told.counts.due
    return None if day is None else (day - FIRST_DAY.date()).days


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
        # a review_on that asks for the same, or for more, moves no day
        ([found(URGENT, review_on(2, URGENT))], 7),
        ([found(URGENT, review_on(2, URGENT, certainty=Certainty.SUSPECTED))], 7),
        ([found(SELF, review_on(2, URGENT), review_on(5, URGENT))], 9),
        ([found(REFERRAL, review_on(2, URGENT))], 9),
        ([found(REFERRAL, review_on(10, URGENT))], 14),
        # a milder one counts from when the spot was at least so urgent
        ([found(URGENT, review_on(2, REFERRAL))], 14),
        ([found(URGENT, review_on(2, SELF))], None),
        # what was settled in between begins anew
        ([found(URGENT, review_on(2, SELF), review_on(5, URGENT))], 12),
        ([found(URGENT, review_on(2, REFERRAL), review_on(5, URGENT))], 12),
        ([found(URGENT, review_on(2, SELF)), found(URGENT, day=20)], 27),
        # a sample was taken, and the result_on judges anew
        ([found(URGENT, review_on(2, URGENT, **SAMPLE))], None),
        ([found(URGENT, review_on(2, URGENT, **SAMPLE), result_on(20))], 27),
        ([found(URGENT, result_on(20), review_on(22, URGENT))], 27),
        ([found(URGENT, result_on(20), result_on(22))], 27),
        ([found(URGENT), found(SELF, result_on(20), day=9)], 27),
        # of several findings the earliest, until a decision is milder
        ([found(URGENT), found(SELF, review_on(5, URGENT), day=4)], 7),
        ([found(URGENT), found(SELF, day=4)], 7),
        ([found(SELF, review_on(1, URGENT)), found(URGENT, review_on(9, URGENT), day=8)], 8),
        ([found(URGENT), found(SELF, review_on(5, SELF), day=4), found(URGENT, day=9)], 16),
        # the photo was judged again
        ([found(REFERRAL, again=((12, URGENT),))], 14),
        ([found(URGENT, again=((2, SELF),))], None),
        ([found(URGENT, review_on(2, URGENT), again=((3, SELF),))], 7),
        ([found(REFERRAL, review_on(2, REFERRAL), again=((3, URGENT),))], 10),
        ([found(URGENT, review_on(2, SELF), again=((5, URGENT),))], 12),
        ([found(URGENT, result_on(20), again=((22, URGENT),))], 27),
    ],
)  # fmt: skip
def test_the_table_of_days_holds(findings: list[FindingStatus], day: int | None) -> None:
    first = FIRST_DAY.date()
    last = None if day is None else before_weekend(first + timedelta(days=day))
    assert due(*findings) == (last and (last - first).days)


REVIEWS: st.SearchStrategy[list[dict[str, Any]]] = st.lists(
    st.builds(
        dict,
        band=st.sampled_from(Band),
        doctor=st.sampled_from("ab"),
        certainty=st.sampled_from((Certainty.SUSPECTED, Certainty.SURE)),
        photo_wanted=st.booleans(),
        sample=st.sampled_from((None, *Sample)),
    ),
    min_size=2,
    max_size=6,
)


@given(band=st.sampled_from(Band), said=REVIEWS, other=st.sampled_from([None, *Band]))
def test_no_review_that_is_not_milder_moves_the_day(
    band: Band, said: list[dict[str, Any]], other: Band | None
) -> None:
    reviews = [review_on(day, **item) for day, item in enumerate(said, 1)]
    older = [found(other)] if other else []
    before = reconcile([*older, found(band, *reviews[:-1])])
    after = reconcile([*older, found(band, *reviews)])
    assert before
    assert after
    milder = urgency(after.counts.band) > urgency(before.counts.band)
    if before.counts.due and after.counts.due and not milder:
        assert after.counts.due <= before.counts.due


def test_the_day_is_a_working_day_and_never_later() -> None:
    """A practice is closed on the Saturday by which somebody was told to be seen."""
    week = [date(2026, 12, day) for day in range(7, 14)]
    assert [before_weekend(day).day for day in week] == [7, 8, 9, 10, 11, 11, 11]
    saturday = datetime(2026, 11, 28, tzinfo=UTC)
    assert due_day({Band.URGENT_REFERRAL: saturday}) == date(2026, 12, 4)
