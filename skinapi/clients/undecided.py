"""Decides for clients that show a class but no doubt when a sentence must replace the class."""

from skinapi.errors import Unprocessable
from skinapi.reports.facts import UNKNOWN, Facts
from skinapi.reports.text.catalogues import CATALOGUES
from skinapi.vision.bands import THRESHOLD_BANDS
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

    That is where the finding is in doubt, where the class is benign but the band is referral or
    more urgent, and where the class is normal skin but something speaks for a lesion.
    """
    malignant = conditions_table().by_key(finding.most_probable).malignant
    facts = Facts.of(finding, UNKNOWN)
    if facts.uncertain or not (malignant or facts.may_reassure):
        return True
    return finding.most_probable == NORMAL_SKIN and _speaks_for_a_lesion(finding)


def _speaks_for_a_lesion(finding: Finding) -> bool:
    """Whether a malignant score has passed its threshold, or a rule has named a lesion."""
    passed = any(rule in THRESHOLD_BANDS for rule in finding.raised_by)
    return passed or finding.stated != NORMAL_SKIN


def decided(finding: Finding) -> Finding:
    """The finding over the seven classes that these clients know, where its most probable class
    may stand for it. For clients whose screen shows only that class.

    Raises Undecided where that class must not stand for it, and Refused(no_lesion) where normal
    skin ranks first and nothing speaks for a lesion.
    """
    if is_undecided(finding):
        raise Undecided(say_undecided(Facts.of(finding, UNKNOWN)))
    return finding.over_seven()


def over_known_classes(finding: Finding) -> Finding:
    """The finding over the seven classes that these clients know. For clients that can show that no
    class stands for it.

    Raises Refused(no_lesion) where normal skin ranks first and nothing speaks for a lesion. Where
    something does, the finding keeps its eight classes: such a picture is never turned away.
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
