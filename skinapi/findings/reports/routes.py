"""The routes of reports."""

from flask import Response, request

from skinapi.base.errors import InvalidBody, NotFound
from skinapi.base.languages import LANGUAGES, known_language
from skinapi.base.subject import Subject
from skinapi.findings.reports.content import POLICY, render_html, render_verdict
from skinapi.findings.reports.schemas import (
    FullReport,
    ReportQuery,
    StatedFinding,
    StatedReport,
    TextQuery,
    Verdict,
)
from skinapi.findings.reports.service import NoSuchLanguage, ReportsService, print_pdf
from skinapi.findings.reports.words import LABELS
from skinapi.model.conditions import conditions_table
from skinapi.platform.web.declaration import Public, Rate, Routes, Signed

JSON, HTML, PDF = "application/json", "text/html", "application/pdf"

routes: Routes[ReportsService] = Routes("reports", access=Signed(scopes=("findings:read",)))


@routes.route(
    "GET",
    "/submissions/<number>/report",
    or_produces=(HTML, PDF),
    raises=(NotFound, NoSuchLanguage),
)
def show_report(
    reports: ReportsService, *, number: str, query: ReportQuery, subject: Subject
) -> FullReport | Response:
    """The whole report: as JSON, or as HTML or PDF if the `Accept` header asks for it."""
    accepted = _accepted(JSON, HTML, PDF)
    if accepted == HTML:
        report = reports.read_illustrated_report(number=number, to=subject, language=query.lang)
        return _page(render_html(report))
    if accepted == PDF:
        content = reports.print_report(number=number, to=subject, language=query.lang)
        return _pdf(content, name=f"report-{number}.pdf")
    return FullReport.of(reports.read_report(number=number, to=subject, language=query.lang))


@routes.route(
    "GET",
    "/submissions/<number>/report.json",
    access=Signed(scopes=("findings:read",), filed=True),
    raises=(NotFound, NoSuchLanguage),
)
def show_report_json(
    reports: ReportsService, *, number: str, query: TextQuery, subject: Subject
) -> FullReport:
    """The whole report as JSON."""
    report = reports.read_report(number=number, to=subject, language=query.lang, issue=query.issue)
    return FullReport.of(report)


@routes.route(
    "GET", "/submissions/<number>/report.html", produces=HTML, raises=(NotFound, NoSuchLanguage)
)
def show_report_html(
    reports: ReportsService, *, number: str, query: ReportQuery, subject: Subject
) -> Response:
    """The report as an HTML page, for screens, screen readers and printing from a browser."""
    report = reports.read_illustrated_report(number=number, to=subject, language=query.lang)
    return _page(render_html(report))


@routes.route(
    "GET", "/submissions/<number>/report.pdf", produces=PDF, raises=(NotFound, NoSuchLanguage)
)
def show_report_pdf(
    reports: ReportsService, *, number: str, query: ReportQuery, subject: Subject
) -> Response:
    """The report as PDF on A4, with a QR code that leads to its verification."""
    content = reports.print_report(number=number, to=subject, language=query.lang)
    return _pdf(content, name=f"report-{number}.pdf")


@routes.route(
    "POST", "/generate_report", access=Signed(), or_produces=(PDF,), raises=(NoSuchLanguage,)
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
        condition=condition,
        confidence=body.confidence / 100,
        by=subject,
        language=body.language,
    )
    if body.format == "pdf" or _accepted(JSON, PDF) == PDF:
        reports.count_rendering(subject)
        return _pdf(print_pdf(report), name="report.pdf")
    return StatedReport.of(report, LABELS[report.language].as_stated)


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
    return Verdict.of(verified)


def _accepted(*kinds: str) -> str:
    """The best of these by the `Accept` header; the first where the caller accepts none."""
    return request.accept_mimetypes.best_match(kinds) or kinds[0]


def _page(text: str) -> Response:
    page = Response(text, mimetype=HTML)
    page.headers["Content-Security-Policy"] = POLICY
    return page


def _pdf(content: bytes, *, name: str) -> Response:
    answer = Response(content, mimetype=PDF)
    answer.headers["Content-Disposition"] = f'inline; filename="{name}"'
    return answer
