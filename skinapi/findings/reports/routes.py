from datetime import datetime
from typing import ClassVar, Literal, Self

from flask import Response, request
from pydantic import Field

from skinapi.accounts.auth.account import Subject
from skinapi.base.errors import InvalidBody, NotFound
from skinapi.base.languages import LANGUAGES, Language, LanguageTag, known_language
from skinapi.findings.records.schemas.finding_parts import HeadlineView, InstructionView
from skinapi.findings.records.schemas.practice import PracticeView
from skinapi.findings.records.schemas.review import (
    DecisionView,
    FirstDecision,
    GraverReview,
    LetterView,
    ReviewView,
)
from skinapi.findings.records.schemas.summary import NarrativeSource, ReportView, name_of
from skinapi.findings.reports.content import ReportContent
from skinapi.findings.reports.facts import PictureFacts
from skinapi.findings.reports.html_pages import POLICY, render_html, render_verdict
from skinapi.findings.reports.report import (
    Reading,
    Report,
    ReportedPatient,
    SealView,
    read_in_order,
)
from skinapi.findings.reports.service import NoSuchLanguage, ReportsService, print_pdf
from skinapi.findings.reports.verification import Verdict
from skinapi.findings.reports.words import LABELS
from skinapi.model.bands import OperatingPoint, RaisedBy
from skinapi.model.conditions import Band, Source, conditions_table
from skinapi.model.context import Context
from skinapi.model.detectors import ModalityFinding
from skinapi.model.headline import RankedCondition, RestatedProbabilities
from skinapi.model.passages import PassageReader, passages_table
from skinapi.platform.web.declaration import Authenticated, Public, Rate, Routes
from skinapi.platform.web.schemas import Answer, ContractBody, Query


class ReportQuery(Query):
    lang: LanguageTag | None = Field(default=None, description="the submission's unless given")
    reader: PassageReader = Field(default="patient", description="for whom the report is")


class TextQuery(ReportQuery):
    issue: bool = Field(
        default=True,
        description="false: the report is only read. It is not listed as issued, and "
        "`verification` is null unless it was issued before",
    )


class StatedFinding(ContractBody):
    missing: ClassVar[str] = "Class and confidence required"
    stated: str = Field(alias="class", max_length=200, description="in any client's spelling")
    confidence: float = Field(ge=0, le=100, allow_inf_nan=False, description="in percent")
    language: LanguageTag | None = Field(default=None, description="the account's unless given")
    format: Literal["json", "pdf"] = Field(
        default="json", description="`Accept: application/pdf` asks for PDF too"
    )


class MoreWords(Answer):
    language: Language
    findings: tuple[str, ...]
    limits: tuple[str, ...]
    next_steps: tuple[str, ...]
    source: NarrativeSource


class AllWords(MoreWords):
    sections: ReportView


class PassageView(Answer):
    id: str
    text: str
    sources: tuple[Source, ...]


class VisitRow(Answer):
    label: str
    sentences: list[str]


class ReportedFacts(Answer):
    """What `GET /submissions/{number}` has too, and a page needs beside the words."""

    stated: str
    band: Band
    raised_by: tuple[RaisedBy, ...]
    ranked: tuple[RankedCondition, ...]
    malignant_score: float | None
    restated: RestatedProbabilities | None
    pictures: tuple[PictureFacts, ...]
    context: Context
    modality: ModalityFinding | None
    model_version: str | None
    operating_point: OperatingPoint | None


class FullReport(Answer):
    number: int | None = Field(serialization_alias="id")
    patient: ReportedPatient | None
    time: datetime | None
    clinic: str | None
    language: Language
    stated: str = Field(serialization_alias="class")
    confidence: float = Field(description="in percent")
    headline: HeadlineView | None = Field(
        exclude_if=lambda headline: headline is None, description="absent of what a caller states"
    )
    band: Band = Field(
        description="of what counts, where that is more urgent than the finding, whose own is in "
        "`facts`"
    )
    band_label: str = Field(description="in a patient's words, as `action`")
    action: str
    doctor_label: str
    doctor_action: str
    notice: str
    notices: list[str]
    facts: ReportedFacts
    narrative: AllWords
    reading: Reading = Field(
        description="the same words in the order in which a person reads them: the notice and "
        "the summary first, and no sentence twice"
    )
    passages: list[PassageView] = Field(
        description="those on which the sentences of the explanation rest; what is not here is a "
        "fact of the finding itself"
    )
    decision: FirstDecision
    review: ReviewView | None = Field(description="the one that counts")
    graver_review: GraverReview
    letters: list[LetterView] = Field(description="those that doctors have signed")
    spot_advice: InstructionView | None = Field(
        description="the instruction of the spot, to be shown first; null if the current review, "
        "or without one the answer about this finding, says it"
    )
    visit: list[VisitRow] = Field(
        description="for a patient whom a doctor is to see: with whom, what happens there, and "
        "what until then, as it stands in the PDF; else empty"
    )
    practice: PracticeView
    verification: SealView | None

    @classmethod
    def from_report(cls, report: Report) -> Self:
        facts, words, language = report.facts, report.shown_words, report.language
        general, *others = (report.say(said) for said in facts.notices)
        graver = [report.graver_review] if report.graver_review else []
        decision, advice = report.decision, report.spot_advice
        return cls.from_record(
            report,
            words,
            time=report.made_at,
            facts=ReportedFacts.from_record(facts),
            **name_of(facts.one_name, not_skin=facts.not_skin),
            headline=HeadlineView.from_headline(facts.headline, facts.effect, for_doctor=True)
            if facts.examined
            else None,
            band=report.shown_band,
            band_label=words.label,
            notice=general,
            notices=[general, *graver, *others],
            narrative=AllWords.model_validate(report.shown_narrative.model_dump()),
            reading=read_in_order(report),
            passages=_list_passages(report),
            decision=DecisionView.from_decision(decision, language) if decision else None,
            review=ReviewView.from_review(report.review) if report.review else None,
            letters=[LetterView.from_letter(letter) for letter in report.letters],
            spot_advice=InstructionView.from_instruction(advice, language, for_doctor=False)
            if advice
            else None,
            visit=[
                VisitRow(label=label, sentences=[said for said, _ in sentences])
                for label, sentences in ReportContent(report).visit
            ],
            practice=PracticeView.from_practice(report.practice, language),
            verification=report.seal,
        )


def _list_passages(report: Report) -> list[PassageView]:
    table, named = passages_table(), dict[str, None]()
    for paragraph in report.narrative.explanation:
        for sentence in paragraph:
            named |= dict.fromkeys(sentence.passages)
    return [
        PassageView(
            id=item,
            text=table.by_id(item).in_language(report.language),
            sources=table.by_id(item).sources,
        )
        for item in filter(table.has, named)
    ]


class StatedReport(Answer):
    """The four keys of the published contract at the top level, and newer fields next to them."""

    overview: str
    importance_of_early_detection: str
    recommendation: str
    confidence_explanation: str
    stated: str = Field(serialization_alias="class")
    confidence: float
    band: Band
    band_label: str
    action: str
    notice: str
    notices: list[str]
    basis: str
    narrative: MoreWords

    @classmethod
    def from_report(cls, report: Report, basis: str) -> Self:
        full, narrative = FullReport.from_report(report), report.shown_narrative
        return cls.from_record(
            full,
            narrative.sections,
            basis=basis,
            narrative=MoreWords.model_validate(narrative.model_dump()),
        )


JSON, HTML, PDF = "application/json", "text/html", "application/pdf"

routes: Routes[ReportsService] = Routes(access=Authenticated(scopes=("findings:read",)))


@routes.route(
    "GET",
    "/submissions/<number>/report.json",
    access=Authenticated(scopes=("findings:read",), filed=True),
    raises=(NotFound, NoSuchLanguage),
)
def show_report_json(
    reports: ReportsService, *, number: str, query: TextQuery, subject: Subject
) -> FullReport:
    """The whole report as JSON."""
    report = reports.read_report(
        number=number, to=subject, language=query.lang, reader=query.reader, issue=query.issue
    )
    return FullReport.from_report(report)


@routes.route(
    "GET", "/submissions/<number>/report.html", produces=HTML, raises=(NotFound, NoSuchLanguage)
)
def show_report_html(
    reports: ReportsService, *, number: str, query: ReportQuery, subject: Subject
) -> Response:
    """The report as an HTML page, for screens, screen readers and printing from a browser."""
    report = reports.read_illustrated_report(
        number=number, to=subject, language=query.lang, reader=query.reader
    )
    return _page(render_html(report))


@routes.route(
    "GET", "/submissions/<number>/report.pdf", produces=PDF, raises=(NotFound, NoSuchLanguage)
)
def show_report_pdf(
    reports: ReportsService, *, number: str, query: ReportQuery, subject: Subject
) -> Response:
    """The report as PDF on A4, with a QR code that leads to its verification."""
    content = reports.print_report(
        number=number, to=subject, language=query.lang, reader=query.reader
    )
    return _pdf(content, name=f"report-{number}.pdf")


@routes.route(
    "POST", "/generate_report", access=Authenticated(), or_produces=(PDF,), raises=(NoSuchLanguage,)
)
def generate_report(
    reports: ReportsService, *, body: StatedFinding, subject: Subject
) -> StatedReport | Response:
    """A report on a class and a confidence that the caller states; as PDF on request.

    No picture is classified and nothing is stored, and the report says so.
    """
    spellings = conditions_table().label_spellings()
    condition = spellings.get(body.stated.strip().lower())
    if condition is None:
        known = (each.api_name for each in conditions_table().conditions)
        raise InvalidBody(f"class: the classes are {', '.join(known)}")
    report = reports.report_stated_finding(
        condition=condition, confidence=body.confidence / 100, by=subject, language=body.language
    )
    if body.format == "pdf" or _accepted(JSON, PDF) == PDF:
        reports.count_rendering(subject)
        return _pdf(print_pdf(report), name="report.pdf")
    return StatedReport.from_report(report, LABELS[report.language].as_stated)


@routes.route(
    "GET", "/reports/verify/<hash>", access=Public(), rate=Rate.ANONYMOUS, or_produces=(HTML,)
)
def verify_report(reports: ReportsService, *, hash: str) -> Verdict | Response:
    """Whether a report with this code was issued here and still exists, whether it is the newest
    one, and what is newer.

    The answer contains nothing of the report's content. A browser gets an HTML page.
    """
    verified = reports.verify(hash=hash)
    if _accepted(JSON, HTML) == HTML:
        language = known_language(request.accept_languages.best_match(LANGUAGES))
        return _page(render_verdict(verified, language or LANGUAGES[0]))
    return Verdict.from_verified(verified)


def _accepted(*kinds: str) -> str:
    return request.accept_mimetypes.best_match(kinds) or kinds[0]


def _page(text: str) -> Response:
    page = Response(text, mimetype=HTML)
    page.headers["Content-Security-Policy"] = POLICY
    return page


def _pdf(content: bytes, *, name: str) -> Response:
    answer = Response(content, mimetype=PDF)
    answer.headers["Content-Disposition"] = f'inline; filename="{name}"'
    return answer
