"""What holds about a spot: `compute_status(facts)`.

Stored are the facts, each once: the photos that were judged, and the reviews signed of them. All
that is said of a spot is made of them here. No store, no clock. docs/reviews.md has the rules, with
their table ("One spot, one instruction").
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from functools import cached_property

from skinapi.base.languages import Language
from skinapi.base.stored_record import StoredRecord, optional
from skinapi.findings.status.decisions import (
    Decision,
    JudgedVersion,
    Levels,
    WaitsFor,
    due_day,
    levels_of,
    levels_since,
    words_for_patient,
)
from skinapi.findings.status.reviews import Review, current_review, names_cancer
from skinapi.model.bands import is_sent, urgency
from skinapi.model.comparison.comparison import Change
from skinapi.model.conditions import Band, BandWords, conditions_table


class MeasuredChange(StoredRecord):
    """A comparison at `measured_at` has found that the photo differs from that of the earlier
    finding with the id `before`, and asks for `band`. `changes` say in what and by how much; there
    are none where it was stored before they were.
    """

    before: str
    band: Band
    measured_at: datetime
    changes: tuple[Change, ...] = optional(default=())

    def is_answered_by(self, said: Decision | Review, at: datetime) -> bool:
        """Whether a doctor who signed this at that time had both photos, or the comparison."""
        return said.has_seen(self.before) or at >= self.measured_at


@dataclass(frozen=True, slots=True)
class JudgedPhoto:
    """`versions` are those of its finding, the newest last. `kept`: the photo is. `changes` are
    those from earlier photos. `opened_at`: when the owner first opened it with what a doctor had
    decided last. `place`: what was told of it, with None for what was not.
    """

    id: str
    number: int
    versions: tuple[JudgedVersion, ...]
    kept: bool = False
    changes: tuple[MeasuredChange, ...] = ()
    opened_at: datetime | None = None
    place: tuple[str | None, ...] = ()

    def is_told_elsewhere(self, other: "JudgedPhoto") -> bool:
        """Whether the two were told to be of different places."""
        told = zip(self.place, other.place, strict=False)
        return any(own and its and own != its for own, its in told)

    @property
    def newest(self) -> JudgedVersion:
        return self.versions[-1]

    @property
    def band(self) -> Band:
        return self.newest.band

    @property
    def created_at(self) -> datetime:
        return self.versions[0].judged_at


@dataclass(frozen=True)
class LesionHistory:
    """The photos in the order of time, and the reviews of each in the order of signing, by id."""

    photos: tuple[JudgedPhoto, ...]
    reviews: Mapping[str, Sequence[Review]]

    @cached_property
    def lesion_status(self) -> "LesionStatus":
        return compute_status(self)


@dataclass(frozen=True, slots=True)
class FindingStatus:
    """`ended_by` is the first decision about a newer photo that has ended the one about this."""

    photo: JudgedPhoto
    decision: Decision | None = None
    reviews: tuple[Review, ...] = ()
    ended_by: Decision | None = None

    @property
    def sample(self) -> Review | None:
        """The review that awaits the result of a sample."""
        awaited = self.decision and self.decision.awaited and not self.ended_by
        return self.review if awaited else None

    @property
    def awaited_since(self) -> datetime | None:
        """Since when a result, or a photo, is."""
        return self.decision.decided_at if self.decision else None

    @property
    def signed_at(self) -> datetime | None:
        """When the last review that counts was signed."""
        return max((item.created_at for item in self.reviews), default=None)

    @property
    def opened_at(self) -> datetime | None:
        """When its owner has opened it since the last review was signed; None before."""
        opened, signed = self.photo.opened_at, self.signed_at
        return opened if opened and signed and opened >= signed else None

    @property
    def unseen(self) -> tuple[JudgedVersion, ...]:
        """The versions that no doctor has answered."""
        answered = self.decision.answered if self.decision else 0
        return tuple(version for version in self.photo.versions if version.version > answered)

    @property
    def reopened(self) -> bool:
        """Whether a version that no doctor has seen is more urgent than what was decided. Unless it
        is of the first urgency, it must be more urgent than the version that the doctor saw, too:
        who called a mole harmless that the model sends to a doctor has answered that. Where the
        decision about a newer photo has ended what was decided, it is compared with that one.
        """
        decision, asked = self.decision, self.photo.band
        if decision is None or decision.proven or not self.unseen:
            return False
        ended = self.ended_by
        holds = ended if ended and ended.decided_at < self.photo.newest.judged_at else decision
        if holds.proven:
            return False
        answered = [
            version.band for version in self.photo.versions if version.version == decision.answered
        ]
        rises = asked is Band.URGENT_REFERRAL or all(urgency(asked) < urgency(x) for x in answered)
        return rises and urgency(asked) < urgency(holds.urgency)

    @property
    def waits(self) -> bool:
        """Whether a doctor has to look: nobody has decided, or a version or a comparison that no
        doctor has answered asks for more than what was decided.
        """
        decision = self.decision
        if decision is None or self.reopened:
            return True
        return not decision.proven and any(
            urgency(change.band) < urgency(decision.urgency) for change in self.unseen_changes
        )

    @property
    def unseen_changes(self) -> list[MeasuredChange]:
        """What comparisons have found, and no review of the finding has answered."""
        return [
            change
            for change in self.photo.changes
            if not any(change.is_answered_by(item, item.created_at) for item in self.reviews)
        ]

    @property
    def said_at(self) -> datetime:
        """When the last of it was said."""
        return max([self.photo.newest.judged_at, *(item.created_at for item in self.reviews)])

    @property
    def review(self) -> Review | None:
        """The one that counts."""
        return current_review(self.reviews)


class AdviceSource(StrEnum):
    """Where advice is equally urgent, the first of these counts."""

    DECISION = "decision"
    COMPARISON = "comparison"
    FINDING = "finding"


RANKS = {said_by: place for place, said_by in enumerate(AdviceSource)}


@dataclass(frozen=True, slots=True)
class Advice:
    """What was said about the finding of this number. `levels`: since when the spot has been so
    urgent. `unjudged`: by a check of a photo that a doctor could not judge. `reopens`: by a version
    that is more urgent than what a doctor has decided about an earlier one. `picture_wanted`:
    beside it, a doctor waits for another photo in place of that of the finding of this number.
    """

    said_by: AdviceSource
    band: Band
    since: datetime
    finding: int
    waits_for: WaitsFor | None = None
    by_result: bool = False
    decision: Decision | None = field(default=None, compare=False)
    levels: Levels | None = field(default=None, compare=False)
    unjudged: bool = False
    reopens: bool = False
    picture_wanted: int | None = field(default=None, compare=False)

    @property
    def label(self) -> str | None:
        return self.decision.label if self.decision else None

    @property
    def due(self) -> date | None:
        """Until when a doctor should have seen the spot. Every view of the spot and of its findings
        says this day of the advice that counts.
        """
        if self.waits_for:
            return None
        # What was said in between may have asked for less for a while.
        days = due_day(levels_of(self.band, self.since)), due_day(self.levels or {})
        return min(filter(None, days), default=None)

    def words(self, language: Language) -> BandWords:
        """The words are those for a patient; `next_step` depends on who said it."""
        words = words_for_patient(
            self.band,
            self.waits_for,
            language,
            since=self.since,
            label=self.label,
            proven=self.by_result,
        )
        if self.said_by is AdviceSource.DECISION:
            return words
        return words.model_copy(update={"next_step": words.first_step})

    def say_wanted(self, language: Language, *, for_doctor: bool = False) -> list[str]:
        """Ask for another photo in place of which one, where a doctor does."""
        number, notices = self.picture_wanted, conditions_table().notices.decision
        if number is None:
            return []
        asks = [notices.new_picture_of_doctor if for_doctor else notices.new_picture_of]
        go = [notices.without_picture] if is_sent(self.band) and not for_doctor else []
        return [said.in_language(language).format(number=number) for said in (*asks, *go)]


@dataclass(frozen=True, slots=True)
class Instruction:
    """`counts` is the most urgent advice that is still valid. `others`, the newest first, are
    milder or superseded. `pictures_wanted` are the numbers of the findings in place of which a
    doctor waits for another photo, the newest last.
    """

    counts: Advice
    others: tuple[Advice, ...]
    pictures_wanted: tuple[int, ...]
    photographed_at: datetime

    @property
    def picture_wanted(self) -> bool:
        return bool(self.pictures_wanted)

    @property
    def proven_cancer(self) -> bool:
        return self.counts.by_result and names_cancer(self.counts.label)

    def elsewhere(self, finding: int, band: Band, decision: Decision | None) -> Advice | None:
        """What counts, where that was said about another finding than this one, another version of
        it, or by a comparison, and is something else. Another finding is not reopened by it.
        """
        counts = self.counts
        same = (counts.band, counts.waits_for, counts.by_result) == (band, None, False)
        if decision:
            said = decision.urgency, decision.waits_for, decision.proven, decision.label
            counting = counts.band, counts.waits_for, counts.by_result, counts.label
            same = counting == said
        compared = counts.said_by is AdviceSource.COMPARISON
        own = counts.finding == finding and not (counts.reopens or compared)
        reopens = counts.reopens and counts.finding == finding
        return None if same or own else replace(counts, reopens=reopens)


@dataclass(frozen=True, slots=True)
class LesionStatus:
    """What holds about a spot. `findings` are by id, in the order of time."""

    findings: Mapping[str, FindingStatus]
    instruction: Instruction

    @property
    def newest(self) -> FindingStatus:
        *_, last = self.findings.values()
        return last

    @property
    def current_review(self) -> Review | None:
        return current_review(item for about in self.findings.values() for item in about.reviews)

    @property
    def sample_awaited(self) -> bool:
        return any(about.sample for about in self.findings.values())

    def awaited(self, finding: str) -> WaitsFor | None:
        about = self.findings[finding]
        if about.sample:
            return WaitsFor.RESULT
        wanted = about.photo.number in self.instruction.pictures_wanted
        return WaitsFor.PHOTO if wanted else None

    def list_decided_elsewhere(self, finding: str, *, replaced: bool = True) -> list[Decision]:
        """List decisions about other findings, also those that were `replaced`."""
        return [
            other.decision
            for name, other in self.findings.items()
            if name != finding and other.decision and (replaced or not other.ended_by)
        ]

    def list_replacing(self, finding: str) -> list[Decision]:
        """List the decisions about newer photos that have ended the one about this photo."""
        names, about = [*self.findings], self.findings[finding]
        later, own = [*self.findings.values()][names.index(finding) + 1 :], about.decision
        return [item for item in _list_settling(about.photo, later) if own and item.ends(own)]


def compute_status(facts: LesionHistory) -> LesionStatus:
    findings = {
        photo.id: _compute_finding_status(photo, tuple(facts.reviews.get(photo.id, ())))
        for photo in facts.photos
    }
    findings = _note_ends(findings)
    instruction = reconcile([*findings.values()])
    return LesionStatus(
        {
            name: _note_that_photo_came(about, instruction.pictures_wanted)
            for name, about in findings.items()
        },
        instruction,
    )


def _note_ends(findings: Mapping[str, FindingStatus]) -> dict[str, FindingStatus]:
    each = [*findings.values()]
    ends = {
        name: _find_end(about.decision, _list_settling(about.photo, each[place:]))
        for place, (name, about) in enumerate(findings.items(), 1)
        if about.decision
    }
    return {name: replace(item, ended_by=ends.get(name)) for name, item in findings.items()}


def _note_that_photo_came(about: FindingStatus, wanted: Sequence[int]) -> FindingStatus:
    decision = about.decision
    if decision is None or not decision.photo_wanted or about.photo.number in wanted:
        return about
    return replace(about, decision=replace(decision, photo_came=True))


def _compute_finding_status(photo: JudgedPhoto, reviews: tuple[Review, ...]) -> FindingStatus:
    return FindingStatus(photo, Decision.from_reviews(reviews, photo.versions), reviews)


@dataclass(frozen=True, slots=True)
class _Said:
    """`levels` say since when it was so urgent. Of a finding that was decided, the decision goes on
    with what the finding asked for.
    """

    photo: JudgedPhoto
    advice: Advice
    levels: Levels
    ended: bool = False
    ended_by: Decision | None = None

    def reaches(self, moment: datetime) -> bool:
        """Whether it stood until then, or stands. The laboratory's result judges anew."""
        if self.ended_by is None:
            return not self.ended
        return not self.ended_by.proven and self.ended_by.decided_at >= moment


def reconcile(findings: Sequence[FindingStatus]) -> Instruction:
    """`findings` are in the order of time; there is one at least."""
    said = [
        item
        for index, about in enumerate(findings)
        for item in _list_said(about, findings[index + 1 :])
    ]
    counts = _choose([item for item in reversed(said) if not item.ended])
    others = sorted(
        (item.advice for item in said if item is not counts),
        key=lambda item: item.since,
        reverse=True,
    )
    since = said if not counts.advice.by_result else _list_unseen(counts, said)
    levels = {level: _since(level, moment, since) for level, moment in counts.levels.items()}
    wanted = tuple(
        about.photo.number
        for index, about in enumerate(findings)
        if _wants_picture(about, findings[index + 1 :])
    )
    beside = wanted[-1] if wanted and counts.advice.waits_for is not WaitsFor.PHOTO else None
    return Instruction(
        replace(counts.advice, levels=levels, picture_wanted=beside),
        tuple(others),
        wanted,
        findings[-1].photo.created_at,
    )


def _choose(valid: Sequence[_Said]) -> _Said:
    """The most urgent, the newest first. Only what the doctor has seen who waits for a result waits
    with it: a visit until a day that was asked for of another finding comes before.
    """
    counts = min(valid, key=_rank)
    if counts.advice.waits_for is not WaitsFor.RESULT:
        return counts
    asked = (item for item in _list_unseen(counts, valid) if item.advice.due)
    return min(asked, key=_rank, default=counts)


def _rank(item: _Said) -> tuple[int, int, bool, bool]:
    """Rank by urgency; of equally urgent decisions the laboratory's result comes first, then what
    waits for something, unless they ask for a visit until a day.
    """
    advice = item.advice
    waits = advice.waits_for and not levels_of(advice.band, advice.since)
    return urgency(advice.band), RANKS[advice.said_by], not advice.by_result, not waits


def _list_unseen(counts: _Said, said: Iterable[_Said]) -> list[_Said]:
    """List what was said of findings that the doctor who decided this has not seen."""
    decision = counts.advice.decision
    return [
        item
        for item in said
        if decision and item.photo is not counts.photo
        if not _was_said_of(decision, counts.photo, item.photo)
    ]


def _list_said(about: FindingStatus, later: Sequence[FindingStatus]) -> Iterator[_Said]:
    """List what was said of a finding; `later` are those after it."""
    photo, decision = about.photo, about.decision
    decided = _list_settling(photo, later)
    settled = _find_settled(photo.newest, decided)
    unjudged = decision is not None and decision.unjudged
    said = AdviceSource.FINDING, photo.band, photo.newest.judged_at, photo.number
    advice = Advice(*said, unjudged=unjudged, reopens=about.reopened)
    if decision and not about.reopened:
        yield _Said(photo, advice, {}, ended=True)
    else:
        levels = levels_since((item.judged_at, item.band) for item in reversed(about.unseen))
        yield _Said(photo, advice, levels, settled is not None, settled)
    for change in photo.changes:
        ends = find_answer(change, list_ends(about, later))
        compared = AdviceSource.COMPARISON, change.band, change.measured_at, photo.number
        levels = levels_of(change.band, change.measured_at)
        yield _Said(photo, Advice(*compared), levels, ends is not None, ends)
    if decision is None:
        return
    came = decision.photo_wanted and not _wants_picture(about, later)
    decision = replace(decision, photo_came=came)
    counts = Advice(
        AdviceSource.DECISION,
        decision.urgency,
        decision.decided_at,
        photo.number,
        decision.waits_for,
        decision.proven,
        decision,
        decision.levels,
    )
    ends = _find_end(decision, decided)
    yield _Said(photo, counts, decision.levels, ends is not None, ends)
    for item in decision.earlier:
        before = item.urgency, item.decided_at, photo.number, item.waits_for, item.proven
        yield _Said(photo, Advice(AdviceSource.DECISION, *before), {}, ended=True)


def _was_said_of(decision: Decision, of: JudgedPhoto, other: JudgedPhoto) -> bool:
    """Whether what a doctor has decided `of` a photo holds for another one: the doctor had it, and
    it was not told to be of another place, also not since.
    """
    return decision.has_seen(other.id) and not of.is_told_elsewhere(other)


def _list_settling(photo: JudgedPhoto, later: Sequence[FindingStatus]) -> list[Decision]:
    """The decisions about later photos that hold for this one."""
    return [
        item.decision
        for item in later
        if item.decision and _was_said_of(item.decision, item.photo, photo)
    ]


def list_ends(about: FindingStatus, later: Sequence[FindingStatus]) -> list[Decision]:
    """The decisions that may settle what a comparison has found of this finding."""
    return [*_list_settling(about.photo, later), *filter(None, [about.decision])]


def _find_end(decision: Decision, decided: Sequence[Decision]) -> Decision | None:
    return _first([item for item in decided if item.ends(decision)])


def _wants_picture(about: FindingStatus, later: Sequence[FindingStatus]) -> bool:
    """Whether a doctor still waits for another photo in place of this one."""
    decision = about.decision
    if decision is None or decision.picture_asked_at is None:
        return False
    asked_at = decision.picture_asked_at

    def answers(item: FindingStatus) -> bool:
        made_since, decided = item.photo.created_at > asked_at, item.decision
        if decided is None:
            return made_since and not item.photo.is_told_elsewhere(about.photo)
        ended = decided.decided_at > asked_at and decided.ends(decision)
        return _was_said_of(decided, item.photo, about.photo) and (made_since or ended)

    return not any(map(answers, later))


def find_answer(change: MeasuredChange, decided: Sequence[Decision]) -> Decision | None:
    """The first decision about this photo, or a newer one, that settles what a comparison found."""
    return _first(
        [
            item
            for item in decided
            if item.settled and (item.proven or change.is_answered_by(item, item.decided_at))
        ]
    )


def _find_settled(version: JudgedVersion, decided: Sequence[Decision]) -> Decision | None:
    """The first decision on a later photo that settles what this version asks for."""
    settled = [item for item in decided if item.settled]
    if version.version > 1:  # it may have been judged after that decision
        settled = [item for item in settled if item.decided_at >= version.judged_at]
    return _first(settled)


def _first(decisions: Sequence[Decision]) -> Decision | None:
    return min(decisions, key=lambda item: item.decided_at, default=None)


def _since(level: Band, moment: datetime, said: Sequence[_Said]) -> datetime:
    """Find since when the spot has been as urgent as this, without having been settled."""
    earlier = [
        item.levels[level]
        for item in said
        if level in item.levels and item.levels[level] < moment and item.reaches(moment)
    ]
    return _since(level, min(earlier), said) if earlier else moment
