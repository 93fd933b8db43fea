"""What counts about a spot in a patient's words, where it was said about another finding: in
reports, letters, and the fields that older clients show.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Self

from skinapi.base.languages import Language, LocalizedText
from skinapi.findings.status.decisions import Decision, say_day, say_due
from skinapi.findings.status.spot import LevelSource
from skinapi.findings.status.spot_view import Advice, FoundChange, JudgedPhoto
from skinapi.model.bands import is_sent
from skinapi.model.comparison.comparison import say_change
from skinapi.model.conditions import Band, BandWords, conditions_table


@dataclass(frozen=True, slots=True)
class AdviceContent:
    """`head` is empty where no doctor has named the spot."""

    urgency: Band
    head: str
    label: str
    sentence: str
    said: str

    @classmethod
    def from_advice(cls, advice: Advice, language: Language, *, for_doctor: bool = False) -> Self:
        words, wanted = advice.words(language), advice.say_wanted(language)
        head = say_elsewhere(advice, language, for_doctor=for_doctor)
        return cls(
            urgency=advice.band,
            head=head,
            label=words.label,
            sentence=" ".join((*wanted, words.next_step, *say_due(advice.due, language))),
            said=_say_source(advice, language, named=bool(head)),
        )

    @property
    def to_do(self) -> str:
        return f"{self.label}. {self.sentence}"


def _say_source(advice: Advice, language: Language, *, named: bool) -> str:
    """Say why this counts here, or about which finding it was said."""
    notices = conditions_table().notices.decision
    if advice.taken_back_at or advice.reopens:
        return advice.say_why(language)
    said = notices.said_of_deleted if advice.photo_deleted else notices.said_elsewhere
    said = notices.counts_here if named else said
    said = notices.compared if advice.said_by is LevelSource.COMPARISON else said
    day = say_day(advice.since, language)
    return said.in_language(language).format(number=advice.finding, date=day)


def say_elsewhere(advice: Advice, language: Language, *, for_doctor: bool) -> str:
    decision = advice.decision
    if decision is None or decision.label is None:
        return ""
    return decision.dated_heading(
        language, advice.since, finding=advice.finding, for_doctor=for_doctor
    )


def say_found(change: FoundChange) -> LocalizedText:
    """Say in what the spot has changed, and by how much."""
    words = conditions_table().notices.comparison
    said = [say_change(item) for item in change.measured.changes]
    return LocalizedText.joined(" ", said or [words.beyond_error])


def say_compared(change: FoundChange) -> LocalizedText:
    """Say which photos were compared, and when."""
    words = conditions_table().notices.comparison

    def earlier(before: JudgedPhoto, language: Language) -> str:
        day = say_day(before.created_at, language)
        return words.earlier.in_language(language).format(number=before.number, day=day)

    def say(language: Language) -> str:
        other = words.earlier_elsewhere.in_language(language)
        return words.compared.in_language(language).format(
            number=change.after.number,
            date=say_day(change.measured.measured_at, language),
            earlier=earlier(change.before, language) if change.before else other,
        )

    return LocalizedText.by(say)


def say_counting(words: BandWords, due: date | None, language: Language) -> BandWords:
    """Put the words of what counts in place of the own `action`, which older clients read."""
    action = " ".join((f"{words.label}.", words.next_step, *say_due(due, language)))
    return words.model_copy(update={"action": action})


def put_first(
    sections: Mapping[str, str],
    band: Band,
    language: Language,
    *,
    decision: Decision | None,
    elsewhere: Advice | None,
) -> dict[str, str]:
    """The sections of a narrative about a finding of this band, after what counts."""
    if elsewhere is None:
        return decision.put_first(sections, band, language) if decision else {**sections}
    content = AdviceContent.from_advice(
        elsewhere, language, for_doctor=True
    )  # as older clients name it
    words = conditions_table().notices.decision
    said = [content.said] if content.said else []
    if not said and decision:  # a new photo, more urgent than what was decided
        said = [f"{sentence}." for sentence in decision.not_covered(language)]
    head = [f"{content.head}."] if content.head else []
    model = words.overview_elsewhere.in_language(language)
    counts, early = elsewhere.decision, words.ask_a_doctor.in_language(language)
    # That of a benign condition calls it harmless.
    if counts and (counts.suspected or counts.proven or not is_sent(elsewhere.band)):
        early = counts.say_early(language)
    return {
        **sections,
        "overview": " ".join((*head, f"{content.label}.", *said, model)),
        "recommendation": " ".join((content.to_do, *said)),
        "importance_of_early_detection": early,
    }
