"""The first text of a letter, which its doctor edits: made from the finding's facts and what
doctors have decided. Names are filled in here.
"""

from skinapi.care.letters.words import LETTER_WORDS
from skinapi.languages import Language
from skinapi.records.findings.submissions import Submission
from skinapi.records.reviews.decisions import Decision
from skinapi.records.reviews.letters import Reader
from skinapi.reports.facts import Facts
from skinapi.reports.report import Report
from skinapi.reports.text.template import write_template


def draft_letter(
    submission: Submission,
    decision: Decision | None,
    *,
    reader: Reader,
    language: Language,
    patient: str,
    doctor: str,
) -> str:
    """Paragraphs with an empty line between them: what is found, and what to do by when."""
    words = LETTER_WORDS[language]
    facts = Facts.of(submission.finding, submission.context)
    report = Report(facts=facts, narrative=write_template(facts, language), decision=decision)
    opening = words.to_patient if reader == "patient" else words.to_colleague
    about = words.about.format(date=f"{submission.created_at:%Y-%m-%d}", number=submission.number)
    said = _for_patient(report) if reader == "patient" else _for_colleague(report)
    return "\n\n".join(
        [opening.format(patient=patient), about, *said, words.closing.format(doctor=doctor)]
    )


def _for_patient(report: Report) -> list[str]:
    sections = report.shown_narrative.sections
    return [sections.overview, sections.recommendation]


def _for_colleague(report: Report) -> list[str]:
    narrative, decision = report.shown_narrative, report.decision
    found = "\n".join(narrative.findings)
    if decision is None:
        return [found, report.band_words.doctor_action]
    words = decision.band_words(report.language)
    return [narrative.sections.overview, found, f"{words.doctor_label}. {words.doctor_action}"]
