"""Asks the LLM to choose sentences that are added to the template's, and writes the chosen ones:
names and numbers are filled in from the facts here, so no answer of an LLM can change one.

Only names of conditions, enums and rounded numbers are sent. The picture, text that a user typed,
and facts about the person are not sent, not even the age band. The probabilities without the
patient's facts are not sent either, because they would reveal the age band.
"""

from collections.abc import Collection
from typing import Annotated, Any

from pydantic import Field, ValidationError

from skinapi.base.languages import Language
from skinapi.base.stored_record import Frozen, StoredRecord
from skinapi.findings.reports.facts import Facts
from skinapi.findings.reports.openrouter import Question
from skinapi.findings.reports.report import MOST_CHARACTERS, Narrative, NarrativeUnavailable, Reason
from skinapi.findings.reports.template import SectionAdditions
from skinapi.findings.reports.words import SENTENCES, Remark
from skinapi.model.bands import RaisedBy
from skinapi.model.conditions import conditions_table
from skinapi.model.headline import Ranked, say_chance, say_share

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
    listed = (f"- {remark}: {said}" for remark, said in SENTENCES[language].remarks.items())
    return INSTRUCTIONS.format(most=MOST_REMARKS, sentences="\n".join(listed))


def sent_facts(facts: Facts, language: Language) -> dict[str, Any]:
    """The part of the facts that is sent to the LLM."""
    table, shown = conditions_table(), facts.shown

    def share(value: float, *, malignant: bool) -> str:
        return say_share(value, malignant=malignant).in_language(language)

    def share_of(key: str, value: float) -> str:
        return share(value, malignant=key in table.malignant_keys)

    return {
        "language": language,
        "stated": table.name(facts.stated, language),
        "confidence": share_of(facts.stated, facts.shown_confidence),
        "ranked": [
            {
                "name": table.name(entry.key, language),
                "probability": share_of(entry.key, entry.probability),
            }
            for entry in shown.ranked
        ],
        "malignant_score": None
        if shown.malignant_score is None
        else share(shown.malignant_score, malignant=True),
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


class RemarkChoice(StoredRecord):
    """What an LLM has chosen to add to two sections."""

    overview: tuple[Remark, ...]
    confidence_explanation: tuple[Remark, ...]
    model: str


def possible_remarks(facts: Facts, language: Language, *, room: int) -> dict[Remark, str]:
    """The sentences that these facts of a picture can fill in, at most `room` characters each."""
    left_out = {
        Remark.SCORE: facts.malignant_score is None,
        Remark.SCORE_ADDS: facts.malignant_score is None,
        Remark.CHECKLIST: facts.checklist_score is None,
        Remark.HIGHEST_PROBABILITY: facts.shown.ranked[0].key == facts.headline.named.key,
    }
    values = _values(facts, language)
    filled = {
        remark: sentence.format(**values)
        for remark, sentence in SENTENCES[language].remarks.items()
        if not left_out.get(remark, False)
    }
    return {remark: said for remark, said in filled.items() if len(said) <= room}


def write_remarks(
    choice: RemarkChoice, facts: Facts, language: Language, *, room: int
) -> SectionAdditions:
    """Each sentence once, in the order of the catalogue, as far as there is room in its section."""
    possible = possible_remarks(facts, language, room=room)
    # What one section has said the other does not repeat.
    later = {*choice.confidence_explanation} - {*choice.overview}
    return SectionAdditions(
        overview=_join({*choice.overview}, possible, room),
        confidence_explanation=_join(later, possible, room),
    )


def _join(chosen: Collection[Remark], possible: dict[Remark, str], room: int) -> str:
    text = ""
    for remark in Remark:
        if remark in chosen and remark in possible:
            longer = f"{text} {possible[remark]}".strip()
            text = longer if len(longer) <= room else text
    return text


def _values(facts: Facts, language: Language) -> dict[str, str]:
    """Patients read these sentences: a probability is in whole numbers."""
    table, named, shown = conditions_table(), facts.headline.named, facts.shown

    def chance(share: float, *, malignant: bool) -> str:
        said = say_chance(share, malignant=malignant, in_hundreds=facts.in_hundreds)
        return said.in_language(language)

    def chance_of(entry: Ranked) -> str:
        return chance(entry.probability, malignant=entry.key in table.malignant_keys)

    return {
        "name": table.name(named.key, language),
        "share": chance_of(named),
        "highest": table.name(shown.ranked[0].key, language),
        "highest_share": chance_of(shown.ranked[0]),
        "score": chance(shown.malignant_score or 0, malignant=True),
        "points": str(facts.checklist_score),
    }
