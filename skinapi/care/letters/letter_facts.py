"""What a letter may say: the finding, what doctors have decided, and the course of its spot."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from typing import Self

from skinapi.care.lesion_records import Place
from skinapi.languages import Language
from skinapi.records.decisions import Decision, is_proven_cancer
from skinapi.records.due_days import due_day, levels_of
from skinapi.records.instructions import Advice
from skinapi.records.reviewed_finding import ReviewedFinding
from skinapi.records.submission import CourseEntry, Submission
from skinapi.reports.facts import Facts
from skinapi.vision.conditions import Band, BandWords, conditions_table


@dataclass(frozen=True)
class LetterFacts:
    """`course` are the earlier findings of the same spot, the newest first. The names are for our
    own sentences: no LLM is told them. `spot` is what the patient calls the spot, empty where that
    says something of it. `advice` is what counts of the spot, where that was said about another
    finding; `due` is until when a doctor should have seen the spot. `before` are the facts by which
    the letter was drafted, where a doctor has reviewed the finding since.
    """

    submission: Submission
    decision: Decision | None
    course: tuple[CourseEntry, ...]
    patient: str
    doctor: str
    spot: str = ""
    place: Place | None = None
    advice: Advice | None = None
    due: date | None = None
    before: "LetterFacts | None" = None

    def written_at(self, moment: datetime, reviewed: ReviewedFinding) -> Self:
        """The same facts, of a letter that was drafted then."""
        counted = [one for one in reviewed.reviews if not one.second_opinion]
        known = [one for one in counted if one.created_at <= moment]
        if len(known) == len(counted):
            return self
        decision = Decision.of(known, reviewed.finding, reviewed.found_at)
        found = due_day(levels_of(self.facts.band, self.submission.created_at))
        due = decision.due if decision else found
        return replace(self, before=replace(self, decision=decision, advice=None, due=due))

    @cached_property
    def facts(self) -> Facts:
        return Facts.of(self.submission.finding, self.submission.context)

    @property
    def band(self) -> Band:
        """That of the one instruction: the decided urgency; without a decision, the finding's."""
        if self.advice:
            return self.advice.band
        return self.decision.urgency if self.decision else self.facts.band

    @property
    def counting(self) -> Decision | None:
        """What doctors say of the spot: about the finding that counts, where one is."""
        return (self.advice and self.advice.decision) or self.decision

    @property
    def sure(self) -> bool:
        """Whether a doctor has decided what it is, without doubt, and awaits no result."""
        decision = self.counting
        return decision is not None and decision.label is not None and decision.settled

    @property
    def all_clear(self) -> bool:
        """Whether a letter may call the spot harmless."""
        decision = self.counting
        if decision is None or decision.label is None:
            return decision is None and self.advice is None and self.facts.all_clear
        malignant = conditions_table().label(decision.label).malignant
        return (
            decision.settled and not malignant and self.band in (Band.ROUTINE, Band.SELF_MONITORING)
        )

    @property
    def malignant(self) -> bool:
        """Whether a cancer may be spoken of: one of the conditions that may be named is malignant,
        or the finding says that one cannot be ruled out, and no doctor has.
        """
        if self.named >= self.named_by_finding and self.facts.headline.for_cancer:
            return True
        return any(conditions_table().label(key).malignant for key in self.named)

    @cached_property
    def named_by_finding(self) -> set[str]:
        return {self.facts.stated, *self.facts.headline.keys}

    @cached_property
    def named(self) -> set[str]:
        """The conditions that may be named: where doctors have named one, that alone, unless they
        are unsure and the finding's word still counts. Where what counts was said about another
        finding, what was said of this one too.
        """
        if self.advice and self.counting is not self.decision:
            return {*replace(self, advice=None).named, *self._named_elsewhere}
        decision = self.decision
        if decision is None or decision.label is None:
            return self.named_by_finding
        if decision.replaces(self.facts.band):
            return {decision.label}
        return {decision.label, *self.named_by_finding}

    @property
    def _named_elsewhere(self) -> set[str]:
        label = self.counting.label if self.counting else None
        return {label} if label else set()

    def band_words(self, language: Language) -> BandWords:
        """Of a proven cancer a colleague is told nothing of a suspicion."""
        decision, suspected = self.counting, self.facts.headline.suspected
        if self.advice or (decision and decision.label):
            suspected = (decision.label,) if decision and decision.label else ()
        words = conditions_table().band_words(self.band, language, suspected)
        if decision and is_proven_cancer(decision.label, proven=decision.proven):
            action = decision.band_words(language).doctor_action
            return words.model_copy(update={"doctor_action": action})
        return words

    def days_before(self) -> Iterator[tuple[CourseEntry, int]]:
        """The earlier findings, each with how many days it is older."""
        for earlier in self.course:
            yield earlier, (self.submission.created_at - earlier.created_at).days
