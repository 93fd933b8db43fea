"""Which review counts and by which day: the tables of docs/reviews.md."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import permutations, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skinapi.findings.status.deciding_review import deciding_review
from skinapi.findings.status.decisions import Decision, before_weekend, due_day
from skinapi.findings.status.lesion_status import FindingStatus, JudgedPhoto, reconcile
from skinapi.findings.status.reviews import Certainty, Histology, Opinion, Review
from skinapi.model.bands import urgency
from skinapi.model.conditions import Band, conditions_table
from skinapi.platform.storage.ids import now
from tests.support.findings import judged

SURE, UNSURE = Certainty.SURE, Certainty.UNSURE
AWAITED = Histology.AWAITED
MELANOMA, BASALIOMA, MOLE = "melanoma", "basal_cell_carcinoma", "melanocytic_nevus"
KERATOSIS = "actinic_keratosis_alone"


def says(
    doctor: str,
    label: str | None,
    certainty: Certainty = SURE,
    *,
    histology: Histology | None = None,
    result: str | None = None,
) -> Review:
    found = Histology.CONFIRMED if result else histology
    opinion = Opinion(certainty=certainty, label=label, histology=found, histology_result=result)
    return Review(
        id="1",
        created_at=now(),
        submission="1",
        doctor=doctor,
        signature="Dr Grey",
        opinion=opinion,
    )


def named(*reviews: Review) -> str | None:
    decides = deciding_review(reviews)
    assert decides
    return decides.opinion.condition


A_WAITS = says("a", MELANOMA, histology=AWAITED)
A_RESULT = says("a", MELANOMA, result=MELANOMA)


@pytest.mark.parametrize(
    ("reviews", "counts"),
    [
        ([A_WAITS, says("b", MOLE, UNSURE)], MELANOMA),
        ([A_WAITS, says("b", MOLE)], MELANOMA),
        ([says("a", MELANOMA, UNSURE, histology=AWAITED), says("b", MOLE)], MELANOMA),
        ([A_WAITS, says("b", MOLE, histology=AWAITED)], MELANOMA),
        ([A_WAITS, says("b", None, result=MOLE)], MOLE),
        ([A_WAITS, says("a", MOLE)], MOLE),
        ([A_WAITS, says("a", MOLE, UNSURE)], MELANOMA),
        ([A_RESULT, says("b", MOLE)], MELANOMA),
        ([A_RESULT, says("a", MOLE)], MELANOMA),
        ([A_RESULT, says("b", MOLE, histology=AWAITED)], MELANOMA),
        ([A_RESULT, says("b", None, result=MOLE)], MOLE),
        ([says("a", None, result=MOLE), says("b", MELANOMA)], MOLE),
        ([says("a", None, result=MOLE), says("b", MELANOMA, histology=AWAITED)], MELANOMA),
        ([says("a", MELANOMA, UNSURE), says("b", MOLE)], MOLE),
        ([says("a", MOLE), says("b", MELANOMA, UNSURE)], MOLE),
        ([says("a", MOLE), says("a", MELANOMA, UNSURE)], MELANOMA),
        ([says("a", MELANOMA), says("b", BASALIOMA)], MELANOMA),
        ([says("a", BASALIOMA), says("b", MELANOMA)], MELANOMA),
        ([says("a", MELANOMA), says("b", MOLE)], MELANOMA),
        ([says("a", "other_malignant"), says("b", "inflammatory")], "other_malignant"),
        ([says("a", KERATOSIS), says("b", MOLE)], KERATOSIS),
        ([says("a", KERATOSIS), says("b", "bowens_disease")], "bowens_disease"),
        ([says("a", MELANOMA), says("b", KERATOSIS)], MELANOMA),
        ([says("a", BASALIOMA), says("a", KERATOSIS)], KERATOSIS),
        ([says("a", MELANOMA), says("a", None, UNSURE)], MELANOMA),
        ([says("a", MELANOMA, result=MOLE)], MOLE),
    ],
)
def test_the_table_of_cases_holds(reviews: list[Review], counts: str) -> None:
    assert named(*reviews) == counts


KINDS = [
    says(doctor, label, certainty, histology=histology, result=result)
    for doctor, label in product("ab", (MELANOMA, BASALIOMA, MOLE, "inflammatory", None))
    for certainty, histology, result in (
        (SURE, None, None),
        (UNSURE, None, None),
        (SURE, AWAITED, None),
        (UNSURE, AWAITED, None),
        (SURE, None, label),
    )
]


def orders() -> Sequence[tuple[Review, ...]]:
    """All pairs of two doctors' reviews, and three of every few, in every order."""
    some = [says("a", MELANOMA), A_WAITS, A_RESULT, says("a", MOLE), says("b", MOLE, UNSURE)]
    more = [says("b", None, result=MOLE), says("c", BASALIOMA), says("c", MOLE)]
    return [*product(KINDS, repeat=2), *permutations([*some, *more], 3)]


def test_no_other_doctors_opinion_withdraws_a_pending_or_certain_suspicion() -> None:
    tested = 0
    for *signed, last in orders():
        before, after = deciding_review(signed), deciding_review([*signed, last])
        assert before
        assert after
        status = before.opinion.malignant and (
            before.opinion.sure or before.opinion.histology is AWAITED
        )
        if status and last.doctor != before.doctor and not last.opinion.histology_result:
            assert after.opinion.malignant
            tested += 1
    assert tested > 100


def test_a_result_is_replaced_by_a_result_or_a_graver_sample_alone() -> None:
    for *signed, last in orders():
        before, after = deciding_review(signed), deciding_review([*signed, last])
        assert before
        assert after
        if last.opinion.histology_result:
            assert after == last
        elif before.opinion.histology_result:
            reopens = after == last and last.opinion.histology is AWAITED
            assert after == before or reopens


def test_of_two_doctors_opinions_the_order_changes_nothing() -> None:
    for item, other in product(KINDS, repeat=2):
        results = item.opinion.histology_result, other.opinion.histology_result
        if item.doctor != other.doctor and results == (None, None):
            assert named(item, other) == named(other, item)


def test_every_label_of_a_review_has_a_place_in_the_rule() -> None:
    for label in conditions_table().labels:
        assert named(says("a", label), says("b", None, UNSURE)) == label


URGENT, REFERRAL, REVIEW, ROUTINE, SELF = Band
FIRST_DAY = datetime(2026, 11, 4, 9, tzinfo=UTC)
PHOTO: dict[str, Any] = {"certainty": UNSURE, "new_picture_wanted": True}
SAMPLE: dict[str, Any] = {"histology": Histology.AWAITED}


def review_on(day: int, band: Band | None = None, *, doctor: str = "a", **said: Any) -> Review:
    """`band` is the urgency that the doctor says; a mole is named where one is."""
    values = {"certainty": SURE, "urgency": band, "label": band and "melanocytic_nevus", **said}
    return Review(
        id=f"{day:04d}",
        created_at=FIRST_DAY + timedelta(days=day),
        signature="Dr Grey",
        submission="1",
        doctor=doctor,
        opinion=Opinion(**values),
    )


def result_on(day: int, label: str = "melanoma") -> Review:
    said: dict[str, Any] = {"histology_result": label, "histology": Histology.CONFIRMED}
    return review_on(day, **said)


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
        ([found(URGENT, review_on(2, **PHOTO))], 7),
        ([found(URGENT, review_on(2, URGENT))], 7),
        ([found(URGENT, review_on(2, certainty=UNSURE, label="melanocytic_nevus"))], 7),
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
