"""Builds the question to the LLM and reads its answer: ids of sentences to add to the template's.

Only names of conditions, enums and rounded numbers are sent. The picture, text that a user typed,
and facts about the person are not sent, not even the age band. The probabilities without the
patient's facts are not sent either, because they would reveal the age band.
"""

from collections.abc import Collection
from typing import Annotated, Any

from pydantic import Field, ValidationError

from skinapi.languages import NUMBERS, Language
from skinapi.reports.facts import Facts
from skinapi.reports.llm.openrouter import Question
from skinapi.reports.narrative import MOST_CHARACTERS, Narrative, NarrativeUnavailable, Reason
from skinapi.reports.text.catalogues import CATALOGUES
from skinapi.reports.text.catalogues.catalogue import Remark
from skinapi.vision.bands import RaisedBy
from skinapi.vision.conditions import Frozen, conditions_table
from skinapi.vision.finding.headline import say_chance

SHORTEST_TEXT, LONGEST_TEXT = 80, 300
MOST_REMARKS = 4  # in each text
MOST_TOKENS = 800
INSTRUCTIONS = """\
A computer model has judged a picture of a skin lesion. The report on it is complete: what the
condition is, every figure, how urgent it is and what to do are said already. You choose a few
sentences that help a reader to see how its figures hang together: `overview` follows what was
found, `confidence_explanation` follows the probabilities.

For each of the two, name by their ids one to {most} sentences of this list, in the order of the
list, none in both. What stands in braces is filled in from the facts.
{sentences}"""

Remarks = Annotated[tuple[Remark, ...], Field(min_length=1, max_length=MOST_REMARKS)]


class Draft(Frozen):
    """The LLM's answer."""

    overview: Remarks
    confidence_explanation: Remarks


def free_characters(template: Narrative) -> int:
    """The number of characters that each text of the LLM may have. Raises NarrativeUnavailable if
    the template's own text leaves too few.
    """
    taken = sum(len(section) + 1 for section in template.sections.model_dump().values())
    room = min(LONGEST_TEXT, (MOST_CHARACTERS - taken) // 2)
    if room < SHORTEST_TEXT:
        raise NarrativeUnavailable(Reason.NO_ROOM)
    return room


def make_question(facts: Facts, language: Language, *, possible: Collection[Remark]) -> Question:
    """Asks to choose among the possible sentences."""
    return Question(
        name="narrative",
        instructions=instructions(language),
        sent=sent_facts(facts, language),
        schema=_schema(possible),
        most_tokens=MOST_TOKENS,
    )


def instructions(language: Language) -> str:
    listed = (f"- {remark}: {said}" for remark, said in CATALOGUES[language].remarks.items())
    return INSTRUCTIONS.format(most=MOST_REMARKS, sentences="\n".join(listed))


def sent_facts(facts: Facts, language: Language, *, for_patient: bool = False) -> dict[str, Any]:
    """The part of the facts that is sent to the LLM: for the letter to a patient, with
    probabilities in whole numbers.
    """
    table, shown = conditions_table(), facts.shown

    def share(value: float) -> str:
        if for_patient:
            return say_chance(value).in_language(language)
        return NUMBERS[language].write_share(value)

    return {
        "language": language,
        "stated": table.name(facts.stated, language),
        "confidence": share(facts.shown_confidence),
        "ranked": [
            {"name": table.name(entry.key, language), "probability": share(entry.probability)}
            for entry in shown.ranked
        ],
        "malignant_score": None if shown.malignant_score is None else share(shown.malignant_score),
        "band": facts.band,
        # Without the skin tone, which this rule would give away.
        "raised_by": [rule for rule in facts.raised_by if rule is not RaisedBy.UNTESTED_SKIN],
        "doubts": facts.reasons,
        "not_dermoscopic": facts.not_dermoscopic,
        "checklist_score": facts.checklist_score,
    }


def read_draft(content: str, possible: Collection[Remark]) -> Draft:
    """Parse the LLM's answer. Raises NarrativeUnavailable if it does not fit the schema."""
    try:
        draft = Draft.model_validate_json(content)
    except ValidationError as error:
        raise NarrativeUnavailable(Reason.MALFORMED) from error
    if not {*draft.overview, *draft.confidence_explanation} <= {*possible}:
        raise NarrativeUnavailable(Reason.MALFORMED)
    return draft


def _schema(possible: Collection[Remark]) -> dict[str, Any]:
    texts = list(Draft.model_fields)
    # Without `maxItems`: not every provider's strict mode knows it.
    ids = {"type": "array", "items": {"type": "string", "enum": [*possible]}}
    return {
        "type": "object",
        "properties": dict.fromkeys(texts, ids),
        "required": texts,
        "additionalProperties": False,
    }
