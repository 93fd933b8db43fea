"""Writes the sentences on the calculation that an LLM has chosen by their ids. Names and numbers
are filled in from the facts here, so no answer of an LLM can change one.
"""

from collections.abc import Collection

from skinapi.languages import Language
from skinapi.reports.facts import Facts
from skinapi.reports.text.catalogues import CATALOGUES
from skinapi.reports.text.catalogues.catalogue import Remark
from skinapi.reports.text.template import AddedText
from skinapi.stored_record import StoredRecord
from skinapi.vision.conditions import conditions_table
from skinapi.vision.finding.headline import say_chance


class Choice(StoredRecord):
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
        for remark, sentence in CATALOGUES[language].remarks.items()
        if not left_out.get(remark, False)
    }
    return {remark: said for remark, said in filled.items() if len(said) <= room}


def write_remarks(choice: Choice, facts: Facts, language: Language, *, room: int) -> AddedText:
    """Each sentence once, in the order of the catalogue, as far as there is room in its section."""
    possible = possible_remarks(facts, language, room=room)
    # What one section has said the other does not repeat.
    later = {*choice.confidence_explanation} - {*choice.overview}
    return AddedText(
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

    def chance(share: float) -> str:
        return say_chance(share).in_language(language)

    return {
        "name": table.name(named.key, language),
        "share": chance(named.probability),
        "highest": table.name(shown.ranked[0].key, language),
        "highest_share": chance(shown.ranked[0].probability),
        "score": chance(shown.malignant_score or 0),
        "points": str(facts.checklist_score),
    }
