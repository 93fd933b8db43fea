"""The texts of a report's pages, one by one: rows, bars, a decision, a letter; and the removal of
characters that control the output.
"""

import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Self

from skinapi.domain.field_types import cap_marks
from skinapi.languages import Language
from skinapi.records.instructions import Advice
from skinapi.records.reviewed_finding import ShownLetter
from skinapi.records.reviews import Decision
from skinapi.reports.words import LABELS, Labels
from skinapi.vision.bands import is_sent
from skinapi.vision.conditions import Band

Row = tuple[str, str]
DATE = "%Y-%m-%d"
TIME = f"{DATE} %H:%M UTC"
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
        return cls(
            head=head,
            urgency=None
            if decision.waits_for and not is_sent(decision.urgency)
            else decision.urgency,
            urgency_label=label,
            sentences=(
                *decision.remarks(language),
                words.next_step,
                *_say_due(due, language),
            ),
            signed=LABELS[language].decided.format(
                decision.decided_by, time_text(decision.decided_at)
            ),
        )


@dataclass(frozen=True, slots=True)
class AdviceContent:
    """What counts, where it was said about another finding of the spot."""

    urgency: Band
    label: str
    sentence: str
    said: str

    @classmethod
    def of(cls, advice: Advice, language: Language) -> Self:
        words = advice.words(language)
        return cls(
            urgency=advice.band,
            label=words.label,
            sentence=" ".join((words.next_step, *_say_due(advice.due, language))),
            said=LABELS[language].spot_advice.format(advice.finding, date_text(advice.since)),
        )


def _say_due(due: date | None, language: Language) -> tuple[str, ...]:
    """By which day; not whether that has passed: a paper does not know when it is read."""
    return (LABELS[language].due.format(f"{due:{DATE}}"),) if due else ()


@dataclass(frozen=True, slots=True)
class LetterContent:
    """A signed letter, line by line. `struck` says why it counts no more; empty where it does."""

    head: str
    language: Language
    lines: tuple[str, ...]
    signed: str
    struck: tuple[str, ...]

    @classmethod
    def of(cls, shown: ShownLetter, labels: Labels) -> Self:
        letter, by, withdrawn = shown.letter, shown.superseded, shown.letter.withdrawn
        struck = []
        if withdrawn:
            date = date_text(withdrawn.withdrawn_at)
            struck.append(
                labels.withdrawn_letter.format(withdrawn.withdrawn_by, date, withdrawn.reason)
            )
        if by:
            moments = letter.signed_at, by.decided_at
            days = tuple(map(date_text, moments))
            dates = tuple(map(time_text, moments)) if days[0] == days[1] else days
            said = labels.letter_before_result if by.by_result else labels.superseded_letter
            if by.by_finding is not None:
                said = labels.letter_before_finding
            struck.append(said.format(*dates))
        return cls(
            head=labels.letters[letter.reader],
            language=letter.language,
            lines=tuple(filter(None, letter.text.splitlines())),
            signed=labels.signed.format(letter.signature, time_text(letter.signed_at)),
            struck=tuple(struck),
        )


def time_text(moment: datetime | None) -> str:
    return moment.astimezone(UTC).strftime(TIME) if moment else ""


def date_text(moment: datetime | None) -> str:
    return moment.astimezone(UTC).strftime(DATE) if moment else ""
