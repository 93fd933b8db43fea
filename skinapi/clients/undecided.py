"""Decides for clients that show a class but no doubt when a sentence must replace the class."""

from skinapi.errors import Unprocessable
from skinapi.reports.facts import UNKNOWN, Facts
from skinapi.reports.text.catalogues import CATALOGUES
from skinapi.vision.conditions import NORMAL_SKIN, conditions_table
from skinapi.vision.finding import Finding

ENGLISH = CATALOGUES["en"].phrases
NO_DIAGNOSIS = "Inconclusive - no diagnosis"


class Undecided(Unprocessable):
    """The photo was classified, but the client can show only a class, which would read as harmless.

    The sentence says what is not excluded and how soon to see a doctor.
    """

    code, sentence = "undecided", "No single answer can be given"


def is_undecided(finding: Finding) -> bool:
    """Whether the most probable class must not stand for the finding.

    That is where the finding is in doubt, or where the class is benign but the band is referral or
    more urgent.
    """
    malignant = conditions_table().by_key(finding.most_probable).malignant
    facts = Facts.of(finding, UNKNOWN)
    return facts.uncertain or not (malignant or facts.may_reassure)


def refuse_undecided(finding: Finding) -> None:
    """Raises Undecided where the most probable class must not stand for the finding.

    For clients whose screen shows only that class. Ask before `over_seven`: a picture of normal
    skin with a malignant score over a threshold must not be answered with "no lesion found".
    """
    if is_undecided(finding):
        raise Undecided(say_undecided(Facts.of(finding, UNKNOWN)))


def over_known_classes(finding: Finding) -> Finding:
    """The finding over the seven classes that these clients know.

    Raises Refused(no_lesion) where normal skin ranks first. Where it does but the finding must not
    reassure, the finding keeps its eight classes: a lesion that is urgent is never turned away.
    """
    if finding.most_probable == NORMAL_SKIN and is_undecided(finding):
        return finding
    return finding.over_seven()


def say_undecided(facts: Facts) -> str:
    """The sentences on the doubt, on what cannot be ruled out, and on how soon to see a doctor."""
    return " ".join([*say_doubt(facts), *say_not_excluded(facts), facts.band_words("en").action])


def say_doubt(facts: Facts) -> list[str]:
    if not facts.uncertain:
        return []
    doubts = ", ".join(ENGLISH.doubts[doubt] for doubt in facts.reasons)
    return [ENGLISH.uncertain.format(doubts=doubts)]


def say_not_excluded(facts: Facts) -> list[str]:
    """Names the disease behind the urgency; empty where it is none that the model knows."""
    concern = facts.concern
    return [ENGLISH.not_excluded.format(name=concern.names.en)] if concern.malignant else []
