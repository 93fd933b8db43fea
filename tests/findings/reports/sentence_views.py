import io
import re
from collections.abc import Iterator, Sequence
from html import unescape
from typing import NamedTuple

from pypdf import PdfReader

from skinapi.care.letter_texts import LetterFacts, say_decision, write_draft
from skinapi.findings.records.letters import ADDRESSEES
from skinapi.findings.records.schemas.finding_parts import InstructionView
from skinapi.findings.reports.explanation import plan_explanation
from skinapi.findings.reports.html_pages import render_html
from skinapi.findings.reports.pdf_document import render_pdf
from skinapi.findings.reports.report import Report, ReportedPatient
from skinapi.findings.reports.routes import FullReport
from skinapi.findings.reports.template import write_template
from skinapi.findings.reports.words import sentences_of
from skinapi.model.passages import PassageReader
from skinapi.platform.notices.mail_texts import WORDS as MAILS
from skinapi.platform.notices.outbox import Kind
from tests.findings.reports.random_findings import Said

TAG = re.compile(r"<[^>]*>")
INLINE = re.compile(r"</?(?:strong|em|bdi|small|span|a|sup|time)\b[^>]*>")


class View(NamedTuple):
    name: str
    sentences: tuple[str, ...]


def view_of(name: str, texts: Sequence[str | None]) -> View:
    plain = (" ".join(text.split()) for text in texts if text)
    return View(name, tuple(item for text in plain for item in sentences_of(text)))


def report_on(said: Said, reader: PassageReader = "patient") -> Report:
    facts, decision = said.facts, said.decision
    own = said.instruction.is_answer_about(said.finding.number, said.finding.band)
    plan = plan_explanation(
        facts,
        reader,
        decision=None if own else decision,
        elsewhere=not own and not (decision and decision.instructs),
    )
    return Report(
        facts=facts,
        narrative=write_template(facts, said.language, plan),
        reader=reader,
        clinic="Clinique du Lac",
        number=said.finding.number,
        patient=ReportedPatient(name="Ada Example", email="ada@example.org"),
        made_at=said.finding.created_at,
        review=said.finding.current_review,
        decision=decision,
        instruction=said.instruction,
    )


def views_of(said: Said) -> Iterator[View]:
    report = report_on(said)
    colleague = report_on(said, "colleague")
    yield from _console(said, FullReport.from_report(report), FullReport.from_report(colleague))
    yield view_of("both: report", lines_of(render_html(report)))
    yield view_of("doctor: report", lines_of(render_html(colleague)))
    yield from _letters(said)
    yield from _mails(said)


def printed_views(said: Said) -> Iterator[View]:
    for page in PdfReader(io.BytesIO(render_pdf(report_on(said)))).pages:
        yield view_of("both: PDF", [page.extract_text().partition("\nSources\n")[0]])


def _console(said: Said, full: FullReport, of_doctor: FullReport) -> Iterator[View]:
    """Return what `views/finding.js` shows to each reader."""
    read, language, decision = full.reading, said.language, full.decision
    rest = [*read.findings, *read.limits, *read.tested]
    about, to_doctor = (_explained(item) for item in (full, of_doctor))
    for_patient, for_doctor = (
        InstructionView.from_instruction(said.instruction, language, for_doctor=doctor)
        for doctor in (False, True)
    )
    assert for_patient
    assert for_doctor
    to_do = [for_patient.action, for_patient.sentence]
    model = [read.summary.likely, read.summary.certainty]
    decided: list[str | None] = []
    if decision:
        label = None if decision.urgency_label == decision.heading else decision.urgency_label
        decided = [decision.heading, *decision.remarks, label, decision.next_step]
    if full.spot_advice:
        first = [*to_do, decision.heading if decision else None, *model]
    elif decision:
        first = [*decided, *model]
    else:
        first = [read.summary.to_do, *([for_patient.sentence] if said.due else []), *model]
    own_steps = [] if full.spot_advice else [*read.next_steps]
    yield view_of("patient: finding", [*first, *own_steps, *about])
    yield view_of("patient: spot", [*to_do, decision.heading if decision else read.summary.likely])
    headline = said.facts.headline.for_doctor.in_language(language)
    doubts = read.doubts or read.summary.certainty
    rest = [text.replace(read.doubts, "") for text in rest]
    model = [headline, doubts, *rest, *to_doctor]
    signed = [*said.decision.for_doctor(language)] if said.decision else [full.doctor_action]
    yield view_of("doctor: case", [*signed, *model])
    yield view_of("doctor: spot", [for_doctor.action, for_doctor.sentence, headline])


def _explained(full: FullReport) -> list[str]:
    return [item.text for paragraph in full.reading.explanation for item in paragraph]


def lines_of(page: str) -> list[str]:
    body = page.partition("<main>")[2].partition("</main>")[0] or page  # without the sources
    return unescape(TAG.sub("\n", INLINE.sub("", body))).splitlines()


def _letters(said: Said) -> Iterator[View]:
    """Return the letters as they are drafted, which is after a decision."""
    about = LetterFacts(
        finding=said.finding,
        patient="Ada Example",
        doctor="Dr Grey",
    )
    for reader in ADDRESSEES if said.decision else ():
        texts = [
            say_decision(about, reader, said.language),
            write_draft(about, reader, said.language),
        ]
        name = {"patient": "patient", "colleague": "doctor"}[reader]
        yield view_of(f"{name}: letter", [line for text in texts for line in text.splitlines()])


def _mails(said: Said) -> Iterator[View]:
    kind = Kind.NEWS if said.decision else Kind.URGENT
    mails = MAILS[said.language]
    yield view_of("mail: " + kind, [mails.subjects[kind], mails.texts[kind]])
