"""Why a photo is not judged at all. The sentences and their advice are the conditions table's."""

from enum import StrEnum

from skinapi.errors import Refused
from skinapi.vision.conditions import conditions_table


class Reason(StrEnum):
    """The keys of `notices.refused`, from the cheapest to find out to the dearest."""

    UNDECODABLE = "undecodable"
    TOO_SMALL = "too_small"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    BLURRED = "blurred"
    NOT_SKIN = "not_skin"
    NO_LESION = "no_lesion"


def refuse(reason: Reason) -> Refused:
    """The error to raise, with its sentence in English; whoever answers may look up another."""
    return Refused(reason.value, conditions_table().notices.refused[reason].en)
