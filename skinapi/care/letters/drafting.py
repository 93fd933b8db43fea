"""The first text of a letter, which its doctor edits: written by an LLM, or by the template from
the finding's words and what doctors have decided. Names are filled in here.
"""

import time
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, StringConstraints, ValidationError

from skinapi.care.letters.letter_facts import LetterFacts
from skinapi.care.letters.template import frame_letter, write_by_template
from skinapi.domain.field_types import Contained, PrintableLines
from skinapi.languages import Language
from skinapi.records.letters import LONGEST_LETTER, Reader
from skinapi.reports.narrator import require_llm, why_unwritten
from skinapi.reports.openrouter import OpenRouterClient, Question
from skinapi.reports.prompt import sent_facts
from skinapi.reports.reading import say_headline
from skinapi.reports.report import NarrativeUnavailable, Reason, Source, Writer
from skinapi.stored_record import Frozen
from skinapi.vision.conditions import conditions_table

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
with it. Where its `histology` is `awaited`, write that the condition is suspected, never that it
is there. Say how soon a doctor should see it in the words of `by_when`, and nothing milder or more
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
    text = frame_letter(about, reader, language, filled)
    if len(text) > LONGEST_LETTER:
        raise NarrativeUnavailable(Reason.TOO_LARGE)
    return text, Source(writer=Writer.LLM, model=model)
