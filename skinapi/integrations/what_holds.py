"""What holds about a finding by all that was said of its spot, in the words of its reader: FHIR and
DICOM say the same.
"""

from collections.abc import Iterator

from skinapi.base.languages import Language
from skinapi.findings.records.decisions import Decision, say_day
from skinapi.findings.records.standing import Advice
from skinapi.findings.records.submission import Submission
from skinapi.findings.reports.page_texts import DecisionContent, say_advice
from skinapi.findings.reports.words import LABELS


def counting_decision(finding: Submission) -> Decision | None:
    """The decision that counts: where something was said of another finding of the spot and counts
    instead, the one about that; None where no doctor has said it.
    """
    replaced_by = finding.replaced_by
    return replaced_by.decision if replaced_by else finding.decision


def say_replaced(finding: Submission, advice: Advice, language: Language) -> str:
    """What counts instead, then what was said of this finding, without its urgency."""
    for_doctor = not finding.reader.is_patient
    lines = [
        *say_advice(advice, language, for_doctor=for_doctor),
        *_say_before(finding, language, for_doctor=for_doctor),
    ]
    return " ".join(line if line.endswith(".") else f"{line}." for line in lines)


def _say_before(finding: Submission, language: Language, *, for_doctor: bool) -> Iterator[str]:
    labels, decision = LABELS[language], finding.decision
    if decision:
        heading = decision.heading(language, for_doctor=for_doctor)
        yield labels.decision_replaced.format(heading)
        yield DecisionContent.of(decision, language, due=None).signed
        return
    headline = finding.finding.headline
    said = headline.for_doctor if for_doctor else headline.for_patient
    yield labels.model_said_elsewhere.format(say_day(finding.created_at, language))
    yield said.in_language(language)
