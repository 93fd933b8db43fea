"""The texts of a report's pages, one by one: rows, bars, a decision, a letter; and the removal of
characters that control the output.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Self

from skinapi.base.field_types import cap_marks
from skinapi.base.languages import Language
from skinapi.findings.records.advice_words import AdviceContent
from skinapi.findings.records.decisions import Decision, WaitsFor, say_day, say_due
from skinapi.findings.records.letters import LaterDecision, ShownLetter
from skinapi.findings.records.standing import Advice
from skinapi.findings.reports.words import LABELS, say_moment
from skinapi.model.bands import is_sent
from skinapi.model.conditions import Band, BandWords

Row = tuple[str, str]
# Shown in place of a letter that the font does not have.
UNPRINTABLE = "□"


def strip_control_characters(text: str) -> str:
    """Remove characters that are invisible, reorder text or control the output, except line breaks,
    and marks that would be drawn over other lines.

    Unassigned and private characters become UNPRINTABLE.
    """
    if text.isascii() and text.isprintable():
        return text  # such as a picture in base64, which takes long to go through
    # NFC makes one character of a letter and its accent; ReportLab would not combine the two.
    composed = unicodedata.normalize("NFC", text)
    return cap_marks("".join(_replace_control(character) for character in composed))


def _replace_control(character: str) -> str:
    if character == "\n":
        return character
    match unicodedata.category(character):
        # Categories: https://www.unicode.org/reports/tr44/#General_Category_Values
        case "Cf":
            return ""
        case "Cc" | "Zl" | "Zp":
            return " "
        case "Cs" | "Cn" | "Co":
            return UNPRINTABLE
    return character


@dataclass(frozen=True, slots=True)
class Bar:
    name: str
    share: float
    text: str
    counted: bool
    named: bool


@dataclass(frozen=True, slots=True)
class Tick:
    text: str
    points: int
    ticked: bool


@dataclass(frozen=True, slots=True)
class DecisionContent:
    """What doctors have decided, in the order in which it is read. `urgency` is None where the
    decision waits for something and asks for no visit: it has no colour then.
    """

    head: str
    urgency: Band | None
    urgency_label: str
    sentences: tuple[str, ...]
    signed: str

    @classmethod
    def of(cls, decision: Decision, language: Language, *, due: date | None) -> Self:
        words, head = decision.band_words(language), decision.heading(language)
        label = "" if words.label == head else words.label
        unjudged = decision.waits_for is WaitsFor.PHOTO and decision.unjudged
        labels = LABELS[language]
        return cls(
            head=head,
            urgency=None
            if decision.waits_for and not is_sent(decision.urgency)
            else decision.urgency,
            urgency_label=label,
            sentences=(
                *([labels.unjudged] if unjudged else []),
                *decision.remarks(language),
                words.next_step,
                *say_due(due, language),
            ),
            signed=(labels.asked if decision.unjudged else labels.decided).format(
                decision.decided_by, say_moment(decision.decided_at, language)
            ),
        )


def say_advice(advice: Advice, language: Language, *, for_doctor: bool) -> Iterator[str]:
    """What counts, where it was said about another finding of the spot, in the words of who reads
    it: a line for what it is, what to do by when, who decided, and that it counts.
    """
    content, words = AdviceContent.of(advice, language), advice.words(language)
    if content.head:
        yield content.head
    if for_doctor:
        yield join_to_do([f"{words.doctor_label}."], words, advice.due, language)
    else:
        yield content.to_do
    if advice.decision:
        yield DecisionContent.of(advice.decision, language, due=None).signed
    yield content.said


def join_to_do(said: list[str], words: BandWords, due: date | None, language: Language) -> str:
    """In a doctor's words; `said` may end with what is to be done."""
    action = [] if words.doctor_action in said else [words.doctor_action]
    return " ".join([*said, *action, *say_due(due, language)])


def say_step(words: BandWords, due: date | None, language: Language) -> str:
    """What to do first about a finding that no doctor has answered, where it has a day."""
    return " ".join((words.first_step, *say_due(due, language))) if due else ""


@dataclass(frozen=True, slots=True)
class LetterContent:
    """A signed letter, line by line: first what was decided, then that what follows is its
    doctor's. `struck` says why it counts no more; empty where it does.
    """

    head: str
    language: Language
    decision: tuple[str, ...]
    signed: str
    lines: tuple[str, ...]
    struck: tuple[str, ...]

    @classmethod
    def of(cls, shown: ShownLetter, language: Language) -> Self:
        letter, withdrawn, labels = shown.letter, shown.letter.withdrawn, LABELS[language]
        struck = []
        if withdrawn:
            day = say_day(withdrawn.withdrawn_at, language)
            struck.append(
                labels.withdrawn_letter.format(withdrawn.withdrawn_by, day, withdrawn.reason)
            )
        if shown.superseded and letter.signed_at:
            struck.append(_say_superseded(letter.signed_at, shown.superseded, language))
        return cls(
            head=labels.letters[letter.reader],
            language=letter.language,
            decision=tuple(letter.decision.splitlines()),
            signed=labels.signed.format(letter.signature, time_text(letter.signed_at, language)),
            lines=tuple(filter(None, letter.text.splitlines())),
            struck=tuple(struck),
        )


def _say_superseded(signed_at: datetime, by: LaterDecision, language: Language) -> str:
    """With the times where the days are the same, and one time where these are."""
    labels, moments = LABELS[language], (signed_at, by.decided_at)
    kind = "result" if by.by_result else "decision" if by.by_finding is None else "finding"
    for say in (say_day, say_moment):
        written, later = (say(moment, language) for moment in moments)
        if written != later:
            return labels.superseded_letter[kind].format(written, later)
    return labels.superseded_at_once[kind].format(later)


def time_text(moment: datetime | None, language: Language) -> str:
    return say_moment(moment, language) if moment else ""
