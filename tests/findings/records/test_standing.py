"""What holds about a spot: properties of `standing` for random histories."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from skinapi.findings.records.deciding_review import deciding_review
from skinapi.findings.records.reviews import Certainty, Histology, Opinion, Review
from skinapi.findings.records.standing import JudgedPhoto, Reader, SpotFacts, Standing, standing
from skinapi.model.bands import urgency
from skinapi.model.conditions import Band
from tests.support.findings import judged

BEGAN = datetime(2026, 11, 1, 9, tzinfo=UTC)
LATER = BEGAN + timedelta(days=40)
LABELS = ("melanoma", "basal_cell_carcinoma", "actinic_keratosis", "melanocytic_nevus", None)
HOUR = timedelta(hours=1)


@st.composite
def opinions(draw: st.DrawFn) -> Opinion:
    label = draw(st.sampled_from(LABELS))
    result = label if draw(st.booleans()) and draw(st.booleans()) else None
    return Opinion(
        certainty=Certainty.SURE if result else draw(st.sampled_from(Certainty)),
        label=label,
        urgency=draw(st.sampled_from((None, *Band))),
        histology=Histology.CONFIRMED
        if result
        else draw(st.sampled_from((None, Histology.AWAITED))),
        histology_result=result,
        new_picture_wanted=label is None and draw(st.booleans()),
    )


@st.composite
def facts(draw: st.DrawFn) -> SpotFacts:
    """Up to four photos, a day after the other, each with up to three reviews by two doctors."""
    photos, reviews = [], {}
    for place in range(draw(st.integers(1, 4))):
        at = BEGAN + timedelta(days=place)
        versions = (judged(draw(st.sampled_from(Band)), at),)
        photos.append(JudgedPhoto(f"{place}", place, versions))
        reviews[f"{place}"] = [
            Review(
                id=f"{place}-{number}",
                created_at=at + timedelta(hours=5 + number * draw(st.integers(1, 30))),
                signature="Dr Grey",
                submission=f"{place}",
                doctor=draw(st.sampled_from("ab")),
                opinion=draw(opinions()),
                asked_by=draw(st.sampled_from((None, None, "c"))),
                hold_ends_at=draw(st.sampled_from((None, LATER + HOUR, LATER - HOUR))),
            )
            for number in range(draw(st.integers(0, 3)))
        ]
    return SpotFacts(tuple(photos), reviews)


def said(stands: Standing) -> Any:
    """All but what says that something is held back."""
    one_by_one = [
        (one.photo, one.reviews, one.decision, stands.awaited(name))
        for name, one in stands.findings.items()
    ]
    return one_by_one, stands.instruction, stands.instruction.counts.due


def without(known: SpotFacts, hidden: Sequence[Review]) -> SpotFacts:
    left = {
        name: [one for one in each if one not in hidden] for name, each in known.reviews.items()
    }
    return SpotFacts(known.photos, left)


def held_and_asked(known: SpotFacts, moment: datetime) -> list[Review]:
    signed = [one for each in known.reviews.values() for one in each]
    return [one for one in signed if one.held_at(moment) or one.second_opinion]


@given(facts())
def test_who_may_not_know_something_gets_what_holds_without_it(known: SpotFacts) -> None:
    hidden = held_and_asked(known, LATER)
    for reader in (Reader.PATIENT, Reader.PROGRAM):
        told = said(standing(known, reader, LATER))
        assert told == said(standing(without(known, hidden), Reader.DOCTOR, LATER))
        assert told == said(standing(without(known, hidden), reader, LATER))


@given(facts(), st.integers(0, 400))
def test_time_alone_changes_nothing_but_the_ends_of_holds(known: SpotFacts, days: int) -> None:
    then = LATER + timedelta(days=days)
    assert said(standing(known, Reader.DOCTOR, LATER)) == said(standing(known, Reader.DOCTOR, then))
    opinions = [one for one in held_and_asked(known, LATER) if one.second_opinion]
    all_shown = said(standing(without(known, opinions), Reader.DOCTOR, LATER))
    assert said(standing(known, Reader.PATIENT, LATER + 2 * HOUR)) == all_shown


@given(facts(), st.sampled_from(Band))
def test_another_photo_that_nobody_has_answered_makes_nothing_milder(
    known: SpotFacts, band: Band
) -> None:
    before = standing(known, Reader.DOCTOR, LATER).instruction.counts
    photo = JudgedPhoto("9", 9, (judged(band, LATER),))
    more = SpotFacts((*known.photos, photo), known.reviews)
    after = standing(more, Reader.DOCTOR, LATER).instruction.counts
    if before.waits_for != "photo":
        assert urgency(after.band) <= urgency(before.band)


@given(facts())
def test_no_day_is_later_than_that_of_the_advice_that_counts(known: SpotFacts) -> None:
    counts = standing(known, Reader.DOCTOR, LATER).instruction.counts
    alone = replace(counts, levels=None).due
    assert (counts.due is None) == (alone is None)
    assert counts.due is None or alone is None or counts.due <= alone


@given(facts())
def test_each_review_decides_as_the_table_says_of_those_signed_until_then(
    known: SpotFacts,
) -> None:
    stands = standing(known, Reader.DOCTOR, LATER)
    for name, reviews in known.reviews.items():
        counted = [one for one in reviews if not one.second_opinion]
        firsts = [deciding_review(counted[: end + 1]) for end in range(len(counted))]
        decided = {one.id: one.created_at for one in firsts if one}
        if decision := stands.findings[name].decision:
            last = decided.pop(decision.review)
            assert (decision.decided_at, decision.review) == (last, firsts[-1] and firsts[-1].id)
            assert [one.decided_at for one in decision.earlier] == [*decided.values()]
