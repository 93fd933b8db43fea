"""Builds the request to the LLM and reads its answer: a few sentences to add to the template's.

Only names of conditions, enums and rounded numbers are sent. The picture, text that a user typed,
and facts about the person are not sent, not even the age band. The probabilities without the
patient's facts are not sent either, because they would reveal the age band.
"""

import json
from typing import Annotated, Any

from pydantic import StringConstraints, ValidationError

from skinapi.languages import NUMBERS, Language
from skinapi.reports.facts import Facts
from skinapi.reports.narrative import MOST_CHARACTERS, Narrative, NarrativeUnavailable, Reason
from skinapi.reports.text.catalogues import CATALOGUES
from skinapi.reports.text.template import AddedText
from skinapi.vision.bands import RaisedBy
from skinapi.vision.conditions import Frozen, conditions_table

SHORTEST_TEXT, LONGEST_TEXT = 80, 300
MOST_TOKENS = 800
SEED = 7
INSTRUCTIONS = """\
A computer model has judged a picture of a skin lesion. The report on it is complete: what the
condition is, every figure, how urgent it is and what to do are said already. You add two short
texts in {language} that help a reader to see how its figures hang together: `overview` follows
what was found, `confidence_explanation` follows the probabilities.

Each text is at most {longest} characters long, in plain prose without markup, and made of sentences
of this list alone, each with its full stop. [a|b] means a or b. Whatever else is said is thrown
away:
{sentences}
NAME stands for one condition: the one under `stated` or first under `ranked`, spelt as there. N
stands for one number of the facts, printed exactly as there, and only beside the name or the term
that it belongs to."""
# LLMs write typographic signs; the reports and their checks use the plain ones.
PLAIN_SIGNS = str.maketrans({"’": "'", "‘": "'", "\u00a0": " ", "\u202f": " ", "–": "-"})

Text = Annotated[str, StringConstraints(min_length=1, max_length=MOST_CHARACTERS)]


class Draft(Frozen):
    language: Language
    overview: Text
    confidence_explanation: Text

    def added_text(self) -> AddedText:
        return AddedText(
            overview=self.overview.translate(PLAIN_SIGNS).strip(),
            confidence_explanation=self.confidence_explanation.translate(PLAIN_SIGNS).strip(),
        )


def free_characters(template: Narrative) -> int:
    """The number of characters that each text of the LLM may have. Raises NarrativeUnavailable if
    the template's own text leaves too few.
    """
    taken = sum(len(section) + 1 for section in template.sections.model_dump().values())
    room = min(LONGEST_TEXT, (MOST_CHARACTERS - taken) // 2)
    if room < SHORTEST_TEXT:
        raise NarrativeUnavailable(Reason.NO_ROOM)
    return room


def request_body(
    facts: Facts, language: Language, *, models: list[str], room: int
) -> dict[str, Any]:
    """The body of a chat completion."""
    return {
        "models": models,
        "messages": [
            {"role": "system", "content": instructions(language, room)},
            {
                "role": "user",
                "content": json.dumps(sent_facts(facts, language), ensure_ascii=False),
            },
        ],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "narrative", "strict": True, "schema": _schema(language)},
        },
        # Without `require_parameters` a provider may ignore parameters that it does not know, for
        # instance the schema. `zdr` means zero data retention.
        # https://openrouter.ai/docs/features/provider-routing
        "provider": {"require_parameters": True, "data_collection": "deny", "zdr": True},
        "temperature": 0,
        "seed": SEED,
        "max_tokens": MOST_TOKENS,
    }


def instructions(language: Language, room: int) -> str:
    catalogue = CATALOGUES[language]
    return INSTRUCTIONS.format(
        language=catalogue.name,
        longest=room,
        sentences="\n".join(f"- {form}" for form in catalogue.vocabulary.sentences),
    )


def sent_facts(facts: Facts, language: Language) -> dict[str, Any]:
    """The part of the facts that is sent to the LLM."""
    share, table = NUMBERS[language].write_share, conditions_table()
    return {
        "language": language,
        "stated": table.name(facts.stated, language),
        "confidence": share(facts.confidence),
        "ranked": [
            {"name": table.name(entry.key, language), "probability": share(entry.probability)}
            for entry in facts.ranked
        ],
        "malignant_score": None if facts.malignant_score is None else share(facts.malignant_score),
        "band": facts.band,
        # Without the skin tone, which this rule would give away.
        "raised_by": [rule for rule in facts.raised_by if rule is not RaisedBy.UNTESTED_SKIN],
        "doubts": facts.reasons,
        "not_dermoscopic": facts.not_dermoscopic,
        "checklist_score": facts.checklist_score,
    }


def read_draft(content: str, language: Language) -> Draft:
    """Parse the LLM's answer. Raises NarrativeUnavailable if it does not fit the schema or is in
    another language.
    """
    try:
        draft = Draft.model_validate_json(content)
    except ValidationError as error:
        raise NarrativeUnavailable(Reason.MALFORMED) from error
    if draft.language != language:
        raise NarrativeUnavailable(Reason.LANGUAGE)
    return draft


def _schema(language: Language) -> dict[str, Any]:
    texts = ("overview", "confidence_explanation")
    return {
        "type": "object",
        "properties": {
            "language": {"type": "string", "enum": [language]},
            **{text: {"type": "string"} for text in texts},
        },
        "required": ["language", *texts],
        "additionalProperties": False,
    }
