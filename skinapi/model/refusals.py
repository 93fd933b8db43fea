"""The reasons for refusing a photo. Their sentences and advice are in the conditions table.

They are raised in decoding/photo.py, classification.py and finding/finding.py; not_surely_skin,
which is a question, in findings/prediction/service.py.
"""

from collections.abc import Collection
from enum import StrEnum

from skinapi.base.errors import Refused
from skinapi.base.languages import Language
from skinapi.model.conditions import conditions_table


class Reason(StrEnum):
    UNDECODABLE = "undecodable"
    TOO_LARGE = "too_large"
    MOVING = "moving"
    TOO_MANY_SCANS = "too_many_scans"
    TOO_MUCH_MEMORY = "too_much_memory"
    DAMAGED = "damaged"
    TOO_SMALL = "too_small"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    BLURRED = "blurred"
    NOT_SKIN = "not_skin"
    NOT_SURELY_SKIN = "not_surely_skin"
    NO_LESION = "no_lesion"


def refuse(reason: Reason, **figures: int) -> Refused:
    return translate_refusal(Refused(reason.value, figures=figures), "en")


def translate_refusal(refused: Refused, language: Language, told: Collection[str] = ()) -> Refused:
    """If the ticked items of the checklist (`told`) are a reason to see a doctor, that comes first:
    no photo is needed for it.
    """
    table, checklist = conditions_table(), conditions_table().checklist
    said = table.notices.refused[refused.reason].in_language(language)
    if "picture" in refused.figures:  # one of several
        whose = table.notices.picture_refused.in_language(language)
        said = whose.replace("{said}", said)
    sentences = [said]
    if told:
        refers = checklist.score(told) >= checklist.threshold
        reason = checklist.result.at_or_above if refers else checklist.say_told(told)
        sentences.insert(0, reason.in_language(language))
    text = " ".join(sentences).format(**refused.figures)
    return Refused(refused.reason, text, figures=refused.figures, question=refused.question)
