"""One scale of three for clients that know no bands: the graver of class and band."""

from typing import Literal

from skinapi.vision.conditions import Band, conditions_table
from skinapi.vision.finding import Finding

Risk = Literal["High", "Medium", "Low"]
SCALE: tuple[Risk, ...] = ("High", "Medium", "Low")
OF_BAND: dict[Band, Risk] = {
    Band.URGENT_REFERRAL: "High",
    Band.REFERRAL: "Medium",
    Band.DOCTOR_REVIEW: "Medium",
    Band.ROUTINE: "Low",
    Band.SELF_MONITORING: "Low",
}


def risk_of(finding: Finding) -> Risk:
    """Never the confidence: a doubtful melanoma is no small risk."""
    severity = conditions_table().by_key(finding.stated).severity
    of_class: Risk = "Low" if severity == "None" else severity
    return min(of_class, OF_BAND[finding.band], key=SCALE.index)
