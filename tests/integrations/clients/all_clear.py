from collections.abc import Callable, Mapping
from functools import cache

from skinapi.base.errors import Refused
from skinapi.findings.reports.facts import Facts
from skinapi.findings.reports.template import write_template
from skinapi.findings.reports.words import SENTENCES
from skinapi.integrations.clients.dermascan_diagnosis import CLASS_IDS, Diagnosis
from skinapi.integrations.clients.explainable import NAMES
from skinapi.integrations.clients.photo_forms import (
    LIKELY_BENIGN,
    SKINARTIFYS,
    GuideAnswer,
    Predictions,
)
from skinapi.integrations.clients.service import (
    Undecided,
    decided,
    is_undecided,
    over_known_classes,
    risk_of,
)
from skinapi.model.bands import is_sent, urgency
from skinapi.model.comparison.outline import Shape
from skinapi.model.conditions import conditions_table
from skinapi.model.context import NOTHING_TOLD
from skinapi.model.decoding.photo import Photo, read_photo
from skinapi.model.finding import Finding
from skinapi.model.registry.inference import ClassifiedPhoto
from tests.support.photos import photo_of

# The lab's screen shows it in green.
REGULAR = Shape(asymmetry=0.1, border=0.1, colour=0.1, diameter=0.1)
PHRASES = SENTENCES["en"]
TABLE = conditions_table()
HEADLINE = TABLE.notices.headline
NOT_RULED_OUT = HEADLINE.not_ruled_out.en.rpartition("}")[2]
WARNINGS = [
    *(said.partition("{")[0] for said in (PHRASES.near_limit, PHRASES.uncertain)),
    *(said.en for said in (*HEADLINE.sent_for.values(), HEADLINE.mostly)),
    TABLE.checklist.result.told.en.partition("{")[0],
    NOT_RULED_OUT,
]


def on_angular(finding: Finding) -> bool:
    overview = write_template(Facts.from_finding(finding, NOTHING_TOLD), "en").sections.overview
    warned = any(said in overview for said in WARNINGS)
    return is_benign(finding.headline.one_name.key) and not warned


def on_skinartify(finding: Finding) -> bool:
    shares = Predictions.from_finding(finding).predictions
    highest = max(shares, key=shares.__getitem__)
    [key] = [key for key, name in SKINARTIFYS.items() if name == highest]
    return is_benign(key)


def on_explainable(finding: Finding) -> bool:
    seven = decided(finding, NAMES)
    return is_benign(finding.headline.one_name.key) or is_benign(seven.most_probable)


def in_explainables_report(finding: Finding) -> bool:
    known = over_known_classes(finding)
    undecided = is_undecided(known) or is_undecided(finding)
    benign = is_benign(finding.headline.one_name.key)
    return risk_of(finding) == "Low" or (benign and not undecided)


def on_guide(finding: Finding) -> bool:
    """The guide shows "Likely Benign" up to a malignant score."""
    return (
        GuideAnswer.from_photo(ClassifiedPhoto(finding, any_photo())).malignant_score
        <= LIKELY_BENIGN
    )


def on_lab(finding: Finding) -> bool:
    diagnosis = Diagnosis.from_photo(ClassifiedPhoto(finding, any_photo(), REGULAR))
    table = conditions_table()
    benign = [CLASS_IDS.get(c.key) for c in table.conditions if not c.malignant]
    green = min(diagnosis.clinical_indicators.values()) <= LIKELY_BENIGN
    return diagnosis.severity == "Benign" or diagnosis.class_id in benign or green


SCREENS: Mapping[str, Callable[[Finding], bool]] = {
    "angular": on_angular,
    "skinartify": on_skinartify,
    "explainable": on_explainable,
    "explainable report": in_explainables_report,
    "guide": on_guide,
    "lab": on_lab,
}


@cache
def any_photo() -> Photo:
    return read_photo(photo_of("melanocytic_nevus"))


def is_benign(key: str) -> bool:
    return not conditions_table().by_key(key).malignant


def reads_as_an_all_clear(client: str, finding: Finding) -> bool:
    try:
        return SCREENS[client](finding)
    except (Undecided, Refused):  # a sentence, and each says that it is none
        return False


def must_not_be_cleared(finding: Finding) -> bool:
    """True if the band sends to a doctor and is more urgent than the named condition alone, or if
    the report says that something is not excluded.
    """
    named = conditions_table().by_key(finding.stated)
    report = write_template(Facts.from_finding(finding, NOTHING_TOLD), "en")
    said = " ".join(report.sections.model_dump().values())
    raised = is_sent(finding.band) and urgency(finding.band) < urgency(named.urgency)
    return raised or NOT_RULED_OUT in said
