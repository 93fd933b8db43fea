"""Which review counts: the table of docs/reviews.md, and what holds whatever doctors sign."""

from collections.abc import Sequence
from itertools import permutations, product

import pytest

from skinapi.findings.records.reviews import Certainty, Histology, Opinion, Review, deciding_review
from skinapi.model.conditions import conditions_table
from skinapi.platform.storage.ids import now

SURE, UNSURE = Certainty.SURE, Certainty.UNSURE
AWAITED = Histology.AWAITED
MELANOMA, BASALIOMA, MOLE = "melanoma", "basal_cell_carcinoma", "melanocytic_nevus"


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
        ([says("a", MELANOMA), says("a", None, UNSURE)], MELANOMA),
        ([says("a", MELANOMA, result=MOLE)], MOLE),
    ],
)
def test_the_table_of_cases_holds(reviews: list[Review], counts: str) -> None:
    assert named(*reviews) == counts


def test_without_reviews_nothing_is_decided() -> None:
    assert deciding_review([]) is None


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
        stands = before.opinion.malignant and (
            before.opinion.sure or before.opinion.histology is AWAITED
        )
        if stands and last.doctor != before.doctor and not last.opinion.histology_result:
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
    for one, other in product(KINDS, repeat=2):
        results = one.opinion.histology_result, other.opinion.histology_result
        if one.doctor != other.doctor and results == (None, None):
            assert named(one, other) == named(other, one)


def test_every_label_of_a_review_has_a_place_in_the_rule() -> None:
    for label in conditions_table().labels:
        assert named(says("a", label), says("b", None, UNSURE)) == label
