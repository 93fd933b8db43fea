"""For clients that show a class and no doubt: when no class is answered, but a sentence."""

from skinapi.errors import Unprocessable
from skinapi.reports.facts import UNKNOWN, Facts
from skinapi.reports.text.catalogues import CATALOGUES
from skinapi.vision.conditions import conditions_table
from skinapi.vision.finding import Finding

ENGLISH = CATALOGUES["en"].phrases
NO_DIAGNOSIS = "Inconclusive - no diagnosis"


class Undecided(Unprocessable):
    """The photo was classified, but the asking client can only show a class, and that would read as
    harmless. The sentence says what is not excluded and how soon to see a doctor.
    """

    code, sentence = "undecided", "No single answer can be given"


def is_undecided(seven: Finding) -> bool:
    """Whether the most probable class must not stand for the finding: it is in doubt, or that class
    is benign beside a band of referral or more.
    """
    malignant = conditions_table().by_key(seven.most_probable).malignant
    facts = Facts.of(seven, UNKNOWN)
    return facts.uncertain or not (malignant or facts.may_reassure)


def refuse_undecided(seven: Finding) -> None:
    """For a client whose screen states the most probable class. Raises Undecided."""
    if is_undecided(seven):
        raise Undecided(say_undecided(Facts.of(seven, UNKNOWN)))


def say_undecided(facts: Facts) -> str:
    """What cannot be ruled out, and how soon to see a doctor."""
    return " ".join([*say_doubt(facts), *say_not_excluded(facts), facts.band_words("en").action])


def say_doubt(facts: Facts) -> list[str]:
    if not facts.uncertain:
        return []
    doubts = ", ".join(ENGLISH.doubts[doubt] for doubt in facts.reasons)
    return [ENGLISH.uncertain.format(doubts=doubts)]


def say_not_excluded(facts: Facts) -> list[str]:
    """Nothing where the urgency is about no disease that the model knows."""
    concern = facts.concern
    return [ENGLISH.not_excluded.format(name=concern.names.en)] if concern.malignant else []
