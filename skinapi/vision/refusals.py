"""Why a photo is refused. The sentences and their advice are in the conditions table."""

from enum import StrEnum

from skinapi.errors import Refused
from skinapi.vision.conditions import Language, conditions_table


class Reason(StrEnum):
    """The keys of `notices.refused`, from the cheapest to find out to the dearest."""

    UNDECODABLE = "undecodable"
    TOO_LARGE = "too_large"
    MOVING = "moving"
    TOO_MANY_SCANS = "too_many_scans"
    TOO_MUCH_MEMORY = "too_much_memory"
    TOO_SMALL = "too_small"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    BLURRED = "blurred"
    NOT_SKIN = "not_skin"
    NO_LESION = "no_lesion"


def refuse(reason: Reason, **figures: int) -> Refused:
    """The error to raise, with its sentence in English; whoever answers may `say` it in another
    language. The figures go where the sentence names them in braces.
    """
    return say(Refused(reason.value, figures=figures), "en")


def say(refused: Refused, language: Language) -> Refused:
    """The same in this language."""
    said = conditions_table().notices.refused[refused.reason]
    sentence = said.fr if language == "fr" else said.en
    return Refused(refused.reason, sentence.format(**refused.figures), figures=refused.figures)
