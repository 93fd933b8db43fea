"""For clients that show a class but no doubt: where a sentence stands in place of the class. For
those without bands: a risk of three levels.
"""

from typing import Literal

from skinapi.base.errors import Unprocessable
from skinapi.findings.reports.facts import Facts
from skinapi.findings.reports.words import SENTENCES
from skinapi.integrations.clients.condition_names import CONDITION_NAMES
from skinapi.model.bands import THRESHOLDS, is_raised, urgency
from skinapi.model.conditions import NORMAL_SKIN, Band, conditions_table
from skinapi.model.context import NOTHING_TOLD
from skinapi.model.finding import Finding

ENGLISH_PHRASES = SENTENCES["en"]
NO_DIAGNOSIS = "Inconclusive - no diagnosis"
SevenClasses = Literal["skinartify", "explainable", "guide"]


class Undecided(Unprocessable):
    """The photo was classified, but the client can show only a class, which would read as harmless.

    The sentence says what is not excluded and how soon to see a doctor.
    """

    code, sentence = "undecided", "No single answer can be given"


def is_undecided(finding: Finding) -> bool:
    """Whether the most probable class must not stand for the finding.

    That is where the finding is in doubt, where its band is more urgent than the named condition
    alone asks for, where a malignant condition is named though a benign one is more probable, and
    where normal skin is most probable but something speaks for a lesion.
    """
    if finding.most_probable == NORMAL_SKIN:
        return _speaks_for_a_lesion(finding)
    facts = Facts.of(finding, NOTHING_TOLD)
    malignant = conditions_table().by_key(finding.most_probable).malignant
    return facts.uncertain or facts.more_urgent or not (malignant or facts.all_clear)


def _speaks_for_a_lesion(finding: Finding) -> bool:
    """Whether there is a doubt or a referral, a malignant score has passed its threshold, or a rule
    has named a lesion. That such pictures are little tested says nothing about this one.
    """
    passed = any(rule in THRESHOLDS for rule in finding.raised_by)
    referred = urgency(finding.band) <= urgency(Band.REFERRAL)
    return finding.uncertain or referred or passed or finding.stated != NORMAL_SKIN


def decided(finding: Finding, client: SevenClasses) -> Finding:
    """The finding over the seven classes that these clients know, where one class may stand for it
    and the client has a name for that.

    Raises Undecided where it has none, or none may, and Refused(no_lesion) where normal skin ranks
    first and nothing speaks for a lesion.
    """
    known = finding.within_known_classes()
    if is_undecided(known):
        raise undecided(finding)
    seven = known.over_seven()
    if name_for(finding, client) is None:
        raise undecided(finding)
    return seven


def name_for(finding: Finding, client: SevenClasses) -> str | None:
    """What the client calls the class that the API states. Counted as another one, a carcinoma
    would get the name of a milder disease.
    """
    name: str | None = getattr(CONDITION_NAMES[finding.headline.named.key], client)
    return name


def undecided(finding: Finding) -> Undecided:
    return Undecided(say_undecided(Facts.of(finding, NOTHING_TOLD)))


def over_known_classes(finding: Finding) -> Finding:
    """The finding over the seven classes that these clients know. For clients that can show that no
    class stands for it.

    Raises Refused(no_lesion) where normal skin ranks first and nothing speaks for a lesion. Where
    something does, the finding keeps normal skin: such a picture is never turned away.
    """
    known = finding.within_known_classes()
    if known.most_probable == NORMAL_SKIN and is_undecided(known):
        return known
    return known.over_seven()


def say_undecided(facts: Facts) -> str:
    """The doubt, the headline as a patient reads it, and how soon to see a doctor."""
    return " ".join([*say_graver(facts), facts.band_words("en").action])


def say_graver(facts: Facts) -> list[str]:
    """The doubt, and the headline, which says what cannot be ruled out."""
    said = [facts.headline.for_patient.en]
    if not facts.uncertain:
        return said
    doubts = ", ".join(ENGLISH_PHRASES.doubts[doubt] for doubt in facts.reasons)
    return [ENGLISH_PHRASES.uncertain.format(doubts=doubts), *said]


# A risk of three levels for clients without bands: the higher of the class's and the band's, and
# never low where the band is raised.


Risk = Literal["High", "Medium", "Low"]
HIGHEST_FIRST: tuple[Risk, ...] = ("High", "Medium", "Low")
RISK_OF_BAND: dict[Band, Risk] = {
    Band.URGENT_REFERRAL: "High",
    Band.REFERRAL: "Medium",
    Band.DOCTOR_REVIEW: "Medium",
    Band.ROUTINE: "Low",
    Band.SELF_MONITORING: "Low",
}


def risk_of(finding: Finding) -> Risk:
    """The risk of a finding. It does not depend on the confidence, because an uncertain melanoma is
    not a low risk.
    """
    named = finding.headline.named.key
    severity = conditions_table().by_key(named).severity
    of_class: Risk = "Low" if severity == "None" else severity
    outputs = [entry.key for entry in finding.ranked]
    is_above = is_raised(finding.band, named=named, outputs=outputs)
    raised: Risk = "Medium" if is_above else "Low"
    return min(of_class, RISK_OF_BAND[finding.band], raised, key=HIGHEST_FIRST.index)
