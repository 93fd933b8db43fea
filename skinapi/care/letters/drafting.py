"""The first text of a letter, which its doctor edits: written by an LLM, or by the template from
the finding's words and what doctors have decided. Names are filled in here.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

from pydantic import Field, StringConstraints, ValidationError

from skinapi.care.letters.words import LETTER_WORDS
from skinapi.domain.field_types import Contained, PrintableLines
from skinapi.languages import Language
from skinapi.records.letters import LONGEST_LETTER, Reader
from skinapi.records.reviews import Decision
from skinapi.records.submission import CourseEntry, Submission
from skinapi.reports.facts import Facts
from skinapi.reports.narrator import require_llm, why_unwritten
from skinapi.reports.openrouter import OpenRouterClient, Question
from skinapi.reports.prompt import sent_facts
from skinapi.reports.reading import say_headline
from skinapi.reports.report import NarrativeUnavailable, Reason, Report, Source, Writer
from skinapi.reports.template import write_template
from skinapi.stored_record import Frozen
from skinapi.vision.conditions import Band, BandWords, conditions_table
from skinapi.vision.finding.notices import say_restated

# What a letter may say: the finding, what doctors have decided, and the course of its spot.


@dataclass(frozen=True)
class LetterFacts:
    """`course` are the earlier findings of the same spot, the newest first. The names are for our
    own sentences: no LLM is told them.
    """

    submission: Submission
    decision: Decision | None
    course: tuple[CourseEntry, ...]
    patient: str
    doctor: str

    @cached_property
    def facts(self) -> Facts:
        return Facts.of(self.submission.finding, self.submission.context)

    @property
    def band(self) -> Band:
        """The decided urgency; without a decision, that of the finding."""
        return self.decision.urgency if self.decision else self.facts.band

    @property
    def sure(self) -> bool:
        """Whether a doctor has decided what it is, without doubt."""
        return self.decision is not None and self.decision.label is not None and self.decision.sure

    @property
    def all_clear(self) -> bool:
        """Whether a letter may call the spot harmless."""
        if self.decision is None or self.decision.label is None:
            return self.decision is None and self.facts.all_clear
        malignant = conditions_table().label(self.decision.label).malignant
        return (
            self.decision.sure
            and not malignant
            and self.band in (Band.ROUTINE, Band.SELF_MONITORING)
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
        are unsure and the finding's word still counts.
        """
        decision = self.decision
        if decision is None or decision.label is None:
            return self.named_by_finding
        if decision.replaces(self.facts.band):
            return {decision.label}
        return {decision.label, *self.named_by_finding}

    def band_words(self, language: Language) -> BandWords:
        return conditions_table().band_words(self.band, language)

    def days_before(self) -> Iterator[tuple[CourseEntry, int]]:
        """The earlier findings, each with how many days it is older."""
        for earlier in self.course:
            yield earlier, (self.submission.created_at - earlier.created_at).days


# Asks an LLM for the words of a letter. It gets the facts alone: no picture, no name, nothing that
# a person has typed, and nothing that the patient told. Names have placeholders.


MOST_TOKENS = 1500
MOST_PARAGRAPHS = 12
READERS = {
    "patient": "the patient, in plain words, without terms that only doctors know",
    "colleague": "a colleague, in clinical words",
}
INSTRUCTIONS = """\
A doctor writes a letter about a finding on a skin lesion, and will read, correct and sign what you
draft. Write it for {reader}, in the language `{language}`, in two to five short paragraphs of plain
text without headings, lists or markup. Greeting and closing stand already.

Say nothing that the facts do not say. Where `decision` names no condition, begin with the sentences
of `headline`, as they are written. Copy figures as they are written. Name no condition but those
that `decision` names, or where there is none, `stated` and those with a probability, which you give
with it. Say how soon a doctor should see it in the words of `by_when`, and nothing milder or more
urgent. What the model gives is a probability, never a diagnosis; where `decision` stands, it counts
and the model comes second. Name no medicine, no person, no place and no date. Where a name must
stand, write {{patient}} or {{doctor}}."""

Paragraph = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST_LETTER, strip_whitespace=True),
    PrintableLines,
    Contained,
]


class Paragraphs(Frozen):
    """The LLM's answer."""

    paragraphs: Annotated[tuple[Paragraph, ...], Field(min_length=1, max_length=MOST_PARAGRAPHS)]


SCHEMA = {
    "type": "object",
    "properties": {"paragraphs": {"type": "array", "items": {"type": "string"}}},
    "required": ["paragraphs"],
    "additionalProperties": False,
}


def make_question(about: LetterFacts, reader: Reader, language: Language) -> Question:
    return Question(
        name="letter",
        instructions=INSTRUCTIONS.format(reader=READERS[reader], language=language),
        sent=_sent(about, reader, language),
        schema=SCHEMA,
        most_tokens=MOST_TOKENS,
    )


def read_paragraphs(content: str) -> tuple[str, ...]:
    """Raises NarrativeUnavailable where the answer has another form, or letters that cannot be
    printed.
    """
    try:
        return Paragraphs.model_validate_json(content).paragraphs
    except ValidationError as error:
        raise NarrativeUnavailable(Reason.MALFORMED) from error


def _sent(about: LetterFacts, reader: Reader, language: Language) -> dict[str, Any]:
    words, decision, table = about.band_words(language), about.decision, conditions_table()
    to_do = words.action if reader == "patient" else f"{words.doctor_label}. {words.doctor_action}"
    decided = decision and {
        "condition": decision.label and table.name(decision.label, language),
        "certainty": decision.certainty,
        "histology": decision.histology,
        "another_photo_wanted": decision.new_picture_wanted,
    }
    for_patient = reader == "patient"
    return {
        **sent_facts(about.facts, language, for_patient=for_patient),
        "headline": say_headline(about.facts, language, for_doctor=not for_patient),
        "by_when": words.by_when,
        "to_do": to_do,
        "decision": decided,
        "earlier_findings_of_this_spot": [
            # Without percentages: a letter gives only those of its own finding.
            {
                "days_before": days,
                "headline": earlier.finding.headline.for_patient.in_language(language),
            }
            for earlier, days in about.days_before()
        ],
    }


LETTER_DEADLINE_S = 20.0  # that a draft may wait for the LLM, all attempts together


def draft_letter(
    about: LetterFacts,
    llm: OpenRouterClient | None,
    *,
    reader: Reader,
    language: Language,
    consents: Mapping[str, bool],
) -> tuple[str, Source]:
    """The text, and who wrote it. The LLM is asked with the patient's consent alone; where it does
    not write, the source says why.
    """
    try:
        return _ask(require_llm(llm, consents), about, reader, language)
    except Exception as fault:  # noqa: BLE001 (no fault of a writer may cost the letter)
        reason = why_unwritten(fault, language)
    return write_by_template(about, reader, language), Source(reason=reason)


def _ask(
    llm: OpenRouterClient, about: LetterFacts, reader: Reader, language: Language
) -> tuple[str, Source]:
    question = make_question(about, reader, language)
    deadline = time.monotonic() + LETTER_DEADLINE_S
    paragraphs, model = llm.ask(question, read_paragraphs, deadline=deadline)
    filled = [
        one.replace("{patient}", about.patient).replace("{doctor}", about.doctor)
        for one in paragraphs
    ]
    text = _frame(about, reader, language, filled)
    if len(text) > LONGEST_LETTER:
        raise NarrativeUnavailable(Reason.TOO_LARGE)
    return text, Source(writer=Writer.LLM, model=model)


def write_by_template(about: LetterFacts, reader: Reader, language: Language) -> str:
    """Paragraphs with an empty line between them: what is found, and what to do by when."""
    facts = about.facts
    report = Report(facts=facts, narrative=write_template(facts, language), decision=about.decision)
    said = _for_patient(report) if reader == "patient" else _for_colleague(report)
    return _frame(about, reader, language, said)


def _frame(
    about: LetterFacts, reader: Reader, language: Language, paragraphs: Sequence[str]
) -> str:
    words, submission = LETTER_WORDS[language], about.submission
    opening = words.to_patient if reader == "patient" else words.to_colleague
    date = f"{submission.created_at:%Y-%m-%d}"
    parts = [
        opening.format(patient=about.patient),
        words.about.format(date=date, number=submission.number),
        *paragraphs,
        words.closing.format(doctor=about.doctor),
    ]
    return "\n\n".join(parts)


def _for_patient(report: Report) -> list[str]:
    sections = report.shown_narrative.sections
    return [sections.overview, sections.recommendation]


def _for_colleague(report: Report) -> list[str]:
    narrative, decision, restated = report.shown_narrative, report.decision, report.facts.restated
    mix = [report.say(say_restated(restated.prevalence))] if restated else []
    found = "\n".join([*narrative.findings, *mix])
    if decision is None:
        return [found, report.band_words.doctor_action]
    words = decision.band_words(report.language)
    return [narrative.sections.overview, found, f"{words.doctor_label}. {words.doctor_action}"]
