"""A risk of three levels for clients without bands: the higher of the class's and the band's, and
never low where the band is raised.
"""

from typing import Literal

from skinapi.vision.bands import is_raised
from skinapi.vision.conditions import Band, conditions_table
from skinapi.vision.finding.finding import Finding

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
    raised: Risk = "Medium" if is_raised(finding.band, named=named) else "Low"
    return min(of_class, RISK_OF_BAND[finding.band], raised, key=HIGHEST_FIRST.index)
