"""What counts about a spot in a patient's words, where it was said about another finding: in
reports, letters, and the fields that older clients show.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Self

from skinapi.base.languages import Language, LocalizedText
from skinapi.findings.status.decisions import Decision, say_day, say_due
from skinapi.findings.status.lesion_status import Advice, FoundChange, JudgedPhoto
from skinapi.findings.status.spot import LevelSource
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
        notices, words = conditions_table().notices.decision, advice.words(language)
        day, wanted = say_day(advice.since, language), advice.say_wanted(language)
        head = say_elsewhere(advice, language, for_doctor=for_doctor)
        said = notices.counts_here if head else notices.said_elsewhere
        said = notices.reopened if advice.reopens else said
        said = notices.compared if advice.said_by is LevelSource.COMPARISON else said
        why = said.in_language(language).format(number=advice.finding, date=day)
        return cls(
            urgency=advice.band,
            head=head,
            label=words.label,
            sentence=" ".join((*wanted, words.next_step, *say_due(advice.due, language))),
            said=advice.say_why(language) or why,
        )

    @property
    def to_do(self) -> str:
        return f"{self.label}. {self.sentence}"


def say_elsewhere(advice: Advice, language: Language, *, for_doctor: bool) -> str:
    decision = advice.decision
    if decision is None or decision.label is None:
        return ""
    name = decision.name(language) if for_doctor else decision.name_for_patient(language)
    return (
        conditions_table()
        .notices.decision.elsewhere.in_language(language)
        .format(
            title=decision.title().in_language(language),
            date=say_day(advice.since, language),
            number=advice.finding,
            name=name,
        )
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
    head = f"{content.head}. " if content.head else ""
    model = words.overview_elsewhere.in_language(language)
    counts, early = elsewhere.decision, words.ask_a_doctor.in_language(language)
    # That of a benign condition calls it harmless.
    if counts and (counts.suspected or counts.proven or not is_sent(elsewhere.band)):
        early = counts.say_early(language)
    return {
        **sections,
        "overview": f"{head}{content.label}. {content.said} {model}",
        "recommendation": f"{content.to_do} {content.said}",
        "importance_of_early_detection": early,
    }
