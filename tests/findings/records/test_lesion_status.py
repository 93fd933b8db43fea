"""What holds about a spot: properties of `standing` for random histories."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import takewhile

from hypothesis import given, settings
from hypothesis import strategies as st

from skinapi.findings.status.decisions import Decision, JudgedVersion, before_weekend
from skinapi.findings.status.lesion_status import (
    FindingStatus,
    JudgedPhoto,
    LesionHistory,
    compute_status,
)
from skinapi.findings.status.reviews import Certainty, Opinion, Review, Sample
from skinapi.model.bands import urgency
from skinapi.model.conditions import Band
from tests.support.findings import judged
from tests.support.size import size

BEGAN = datetime(2026, 11, 1, 9, tzinfo=UTC)
LATER = BEGAN + timedelta(days=40)
LABELS = ("melanoma", "basal_cell_carcinoma", "actinic_keratosis", "melanocytic_nevus", None)
HOUR = timedelta(hours=1)


@st.composite
def opinions(draw: st.DrawFn) -> Opinion:
    label = draw(st.sampled_from(LABELS))
    certainty = draw(st.sampled_from(Certainty)) if label else None
    samples = (None, Sample.NONE) if certainty is Certainty.LABORATORY else (None, *Sample)
    return Opinion(
        label=label,
        certainty=certainty,
        urgency=draw(st.sampled_from(Band)),
        sample=draw(st.sampled_from(samples)),
        photo_wanted=draw(st.booleans()),
    )


@st.composite
def photos_at(draw: st.DrawFn, place: int, at: datetime) -> JudgedPhoto:
    bands = draw(st.lists(st.sampled_from(Band), min_size=1, max_size=3))
    hours = sorted(draw(st.integers(1, 200)) for _ in bands[1:])
    moments = [at, *(at + timedelta(hours=hour) for hour in hours)]
    versions = zip(bands, moments, range(1, len(bands) + 1), strict=True)
    return JudgedPhoto(f"{place}", place, tuple(judged(*version) for version in versions))


@st.composite
def facts(draw: st.DrawFn) -> LesionHistory:
    """Up to four photos, a day after the other, each with up to three versions, and up to three
    reviews by two doctors, of the version that there was then.
    """
    photos, reviews = [], {}
    for place in range(draw(st.integers(1, 4))):
        at = BEGAN + timedelta(days=place)
        photo = draw(photos_at(place, at))
        photos.append(photo)
        moments = [
            at + timedelta(hours=5 + number * draw(st.integers(1, 30)))
            for number in range(draw(st.integers(0, 3)))
        ]
        reviews[f"{place}"] = [
            Review(
                id=f"{place}-{number}",
                created_at=moment,
                version=max(
                    version.version for version in photo.versions if version.judged_at <= moment
                ),
                signature="Dr Grey",
                submission=f"{place}",
                doctor=draw(st.sampled_from("ab")),
                opinion=draw(opinions()),
            )
            for number, moment in enumerate(sorted(moments))
        ]
    return LesionHistory(tuple(photos), reviews)


@given(facts(), st.sampled_from(Band))
def test_another_photo_that_nobody_has_answered_makes_nothing_milder(
    known: LesionHistory, band: Band
) -> None:
    before = compute_status(known).instruction.counts
    photo = JudgedPhoto("9", 9, (judged(band, LATER),))
    more = LesionHistory((*known.photos, photo), known.reviews)
    after = compute_status(more).instruction.counts
    if before.waits_for != "photo":
        assert urgency(after.band) <= urgency(before.band)


def test_a_result_of_another_photo_is_said_on_one_that_is_as_urgent() -> None:
    """Else its report says nothing of the result."""
    photos = [
        JudgedPhoto(f"{place}", place, (judged(Band.URGENT_REFERRAL, BEGAN + place * HOUR, 1),))
        for place in range(2)
    ]
    result = Opinion(urgency=Band.URGENT_REFERRAL, label="melanoma", certainty=Certainty.LABORATORY)
    review = Review(
        id="0-0",
        created_at=BEGAN + HOUR / 2,
        signature="Dr Grey",
        submission="0",
        doctor="a",
        opinion=result,
    )
    known = LesionHistory(tuple(photos), {"0": [review]})
    instruction = compute_status(known).instruction
    said_elsewhere = instruction.elsewhere(1, Band.URGENT_REFERRAL, None)
    assert said_elsewhere
    assert said_elsewhere.by_result
    assert (said_elsewhere.finding, said_elsewhere.band) == (0, Band.URGENT_REFERRAL)


def with_version(known: LesionHistory, name: str, band: Band) -> LesionHistory:
    """The photo of this name judged again."""

    def again(photo: JudgedPhoto) -> JudgedPhoto:
        version = judged(band, LATER, photo.newest.version + 1)
        return replace(photo, versions=(*photo.versions, version))

    photos = (again(item) if item.id == name else item for item in known.photos)
    return LesionHistory(tuple(photos), known.reviews)


def only(known: LesionHistory, photo: JudgedPhoto) -> LesionHistory:
    return LesionHistory((photo,), known.reviews)


@given(facts(), st.sampled_from(Band))
def test_a_version_that_nobody_has_answered_makes_nothing_milder_than_a_decision(
    known: LesionHistory, band: Band
) -> None:
    status = compute_status(known)
    for name, finding in status.findings.items():
        if finding.decision is None or finding.reopened:
            continue
        before = status.instruction.counts
        after = compute_status(with_version(known, name, band))
        counts = after.instruction.counts
        assert urgency(counts.band) <= urgency(before.band)
        assert before.due is None or (counts.due is not None and counts.due <= before.due)
        decision = after.findings[name].decision
        assert decision
        assert replace(decision, levels={}) == replace(finding.decision, levels={})


@given(facts(), st.sampled_from(Band))
def test_a_version_that_is_more_urgent_than_all_that_was_decided_counts_unless_a_result_stands(
    known: LesionHistory, band: Band
) -> None:
    status = compute_status(known)
    before = status.instruction.counts
    for name, finding in status.findings.items():
        decision = finding.decision
        counts = compute_status(with_version(known, name, band)).instruction.counts
        if decision and decision.proven:
            assert counts == replace(before, levels=counts.levels)
        elif urgency(band) < urgency(before.band) and (decision is None or _reopens(band, finding)):
            assert (counts.band, counts.finding) == (band, finding.photo.number)
            assert counts.reopens == (decision is not None)


def _decided(finding: FindingStatus) -> list[Band]:
    """What was decided, and what the version asked for about which that was."""
    decision, versions = finding.decision, finding.photo.versions
    if decision is None:
        return []
    return [decision.urgency, *(x.band for x in versions if x.version == decision.answered)]


def _reopens(band: Band, finding: FindingStatus) -> bool:
    """Whether a version of this band does, after what was decided."""
    decided, *answered = (urgency(item) for item in _decided(finding))
    return urgency(band) < decided and (
        band is Band.URGENT_REFERRAL or urgency(band) < min(answered)
    )


@settings(max_examples=size(150, 500))  # an equal urgency is rare
@given(facts())
def test_a_finding_is_reopened_where_an_unseen_version_is_more_urgent_and_no_result_stands(
    known: LesionHistory,
) -> None:
    for photo in known.photos:
        status = compute_status(only(known, photo))
        counted = [*known.reviews[photo.id]]
        decision, newest = status.findings[photo.id].decision, photo.versions[-1]
        counts = status.instruction.counts
        if decision is None:
            assert (counted, counts.said_by, counts.band) == ([], "finding", newest.band)
            assert not counts.reopens
            continue
        seen = counted[-1].version == newest.version
        milder = not _reopens(newest.band, status.findings[photo.id])
        keeps = seen or milder or decision.proven
        assert status.findings[photo.id].reopened == counts.reopens == (not keeps)
        assert (counts.said_by, counts.band) == (
            ("decision", decision.urgency) if keeps else ("finding", newest.band)
        )


@given(facts(), st.data())
def test_no_version_changes_the_label_and_only_those_that_were_answered_the_urgency(
    known: LesionHistory, data: st.DataObject
) -> None:
    for photo in known.photos:
        reviews = known.reviews[photo.id]
        answered = {review.version for review in reviews}
        other = [
            version
            if version.version in answered
            else replace_band(version, data.draw(st.sampled_from(Band)))
            for version in photo.versions
        ]
        all_other = [replace_band(item, data.draw(st.sampled_from(Band))) for item in other]
        decision = decision_of(known, photo)
        if decision is None:
            continue
        unanswered = decision_of(known, replace(photo, versions=tuple(other)))
        assert unanswered
        assert replace(unanswered, levels={}) == replace(decision, levels={})
        judged_else = decision_of(known, replace(photo, versions=tuple(all_other)))
        assert judged_else
        assert (judged_else.review, judged_else.label) == (
            decision.review,
            decision.label,
        )


def replace_band(version: JudgedVersion, band: Band) -> JudgedVersion:
    return version.model_copy(update={"band": band})


def decision_of(known: LesionHistory, photo: JudgedPhoto) -> Decision | None:
    return compute_status(only(known, photo)).findings[photo.id].decision


@given(facts())
def test_of_the_versions_that_nobody_has_answered_the_newest_counts_since_it_was_so_urgent(
    known: LesionHistory,
) -> None:
    days = {Band.URGENT_REFERRAL: 7, Band.REFERRAL: 14}
    for photo in known.photos:
        counts = compute_status(LesionHistory((photo,), {})).instruction.counts
        *_, newest = photo.versions
        assert (counts.band, counts.since) == (newest.band, newest.judged_at)
        ends = [
            (began(photo, level) + timedelta(days=within)).date()
            for level, within in days.items()
            if urgency(newest.band) <= urgency(level)
        ]
        assert counts.due == (before_weekend(min(ends)) if ends else None)


def began(photo: JudgedPhoto, level: Band) -> datetime:
    """Since when each version was at least so urgent."""
    run = takewhile(lambda item: urgency(item.band) <= urgency(level), reversed(photo.versions))
    return [*run][-1].judged_at


@given(facts())
def test_no_day_is_later_than_that_of_the_advice_that_counts(known: LesionHistory) -> None:
    counts = compute_status(known).instruction.counts
    alone = replace(counts, levels=None).due
    assert (counts.due is None) == (alone is None)
    assert counts.due is None or alone is None or counts.due <= alone


@given(facts())
def test_the_newest_review_decides_and_those_before_are_kept(
    known: LesionHistory,
) -> None:
    status = compute_status(known)
    for name, reviews in known.reviews.items():
        if decision := status.findings[name].decision:
            said = [*(item.review for item in decision.earlier), decision.review]
            assert said == [review.id for review in reviews]


def as_seen(known: LesionHistory, name: str, later: timedelta) -> LesionHistory:
    """Another spot, whose reviews saw what was in it then."""

    def moved(version: JudgedVersion) -> JudgedVersion:
        return version.model_copy(update={"judged_at": version.judged_at + later})

    def signed(review: Review) -> Review:
        at = review.created_at + later
        saw = tuple(photo.id for photo in photos if photo.created_at < at)
        told = {"submission": name + review.submission, "created_at": at, "saw": saw}
        return review.model_copy(update={**told, "id": name + review.id})

    photos = [
        replace(
            item, id=f"{item.id}{name}", number=100 * ord(name) + item.number,
            versions=tuple(map(moved, item.versions)),
        )
        for item in known.photos
    ]  # fmt: skip
    reviews = {f"{key}{name}": [*map(signed, each)] for key, each in known.reviews.items()}
    return LesionHistory(tuple(photos), reviews)


@settings(max_examples=size(60, 2000))
@given(facts(), facts(), st.integers(0, 60))
def test_what_was_said_in_two_spots_becomes_neither_milder_nor_later_by_their_join(
    one: LesionHistory, other: LesionHistory, hours: int
) -> None:
    spots = [as_seen(one, "a", timedelta()), as_seen(other, "b", hours * HOUR)]
    photos = sorted((item for spot in spots for item in spot.photos), key=lambda x: x.created_at)
    joined = LesionHistory(tuple(photos), {**spots[0].reviews, **spots[1].reviews})
    after = compute_status(joined).instruction.counts
    for spot in spots:
        before = compute_status(spot).instruction.counts
        asks_visit = before.waits_for is not None and after.due is not None
        assert urgency(after.band) <= urgency(before.band) or asks_visit
        assert before.due is None or (after.due is not None and after.due <= before.due)
