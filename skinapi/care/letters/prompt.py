"""Asks an LLM for the words of a letter. It gets the facts alone: no picture, no name, nothing that
a person has typed, and nothing that the patient told. Names have placeholders.
"""

from typing import Annotated, Any

from pydantic import Field, StringConstraints, ValidationError

from skinapi.care.letters.letter_facts import LetterFacts
from skinapi.languages import Language
from skinapi.records.reviews.letters import LONGEST_LETTER, Reader
from skinapi.reports.openrouter import Question
from skinapi.reports.prompt import sent_facts
from skinapi.reports.reading import say_headline
from skinapi.reports.report import NarrativeUnavailable, Reason
from skinapi.vision.conditions import Frozen, conditions_table
from skinapi.web.schemas.schema_types import Contained, PrintableLines

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
