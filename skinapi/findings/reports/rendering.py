"""Draws a report as a page: as HTML for screens, screen readers and printing from a browser, and as
PDF for a clinic's records.

The HTML page loads nothing and runs no script; its Content-Security-Policy
(https://www.w3.org/TR/CSP3/) enforces that.
"""

import base64
import hashlib
import importlib
import re
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, Template
from markupsafe import Markup

from skinapi.base.languages import Language
from skinapi.findings.reports.content import ReportContent
from skinapi.findings.reports.page_texts import strip_control_characters, time_text
from skinapi.findings.reports.report import Report
from skinapi.findings.reports.verification import Verified
from skinapi.findings.reports.words import LABELS


def _read(name: str) -> str:
    return resources.files(__package__).joinpath("pages", name).read_text("utf-8")


def _clean_text(value: Any) -> Any:
    """Clean the value of every expression in a template, before Jinja escapes it."""
    # Exactly str: a Markup value is our own text, and cleaning it would make it a str.
    return strip_control_characters(value) if type(value) is str else value


STYLE = Markup(_read("report.css"))  # noqa: S704 (our own file)
_PAGES = Environment(autoescape=True, finalize=_clean_text)
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; img-src data:; style-src 'sha256-{_STYLE_HASH}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@cache
def _page(name: str) -> Template:
    """A template, compiled at its first use."""
    return _PAGES.from_string(_read(name))


def render_html(report: Report) -> str:
    content, pictures = ReportContent(report), report.pictures
    return _page("report.html").render(
        content=content,
        labels=content.labels,
        style=STYLE,
        photo=_base64(pictures.photo) if pictures else "",
        overlay=_base64(pictures.overlay) if pictures else "",
        others=[
            (content.labels.picture.format(place), _base64(one.photo), _base64(one.overlay))
            for place, one in report.other_pictures
        ],
    )


def render_verdict(verified: Verified | None, language: Language) -> str:
    """The result of a verification as a page, for a person who scans the QR code with a phone."""
    labels = LABELS[language]
    said, rows, newer = labels.unknown, [], []
    if verified and verified.entered_in_error:
        said = labels.in_error.format(time_text(verified.entered_in_error, language))
        verified = None
    if verified:
        said = labels.outdated if verified.newer else labels.valid
        issued, later = verified.issued, verified.newer
        rows = [
            (labels.submission, labels.number.format(verified.number)),
            (labels.issued, time_text(issued.created_at, language)),
            (labels.model, issued.model_version or ""),
            (labels.pages_of_pdf, str(issued.pages or "")),
            (labels.code, issued.code),
        ]
        newer = [
            (labels.newer_report, later.report),
            (labels.later_decision, later.decision),
            (labels.later_letter, later.letter),
            (labels.letter_withdrawn_since, later.letter_withdrawal),
            (labels.model_withdrawn_since, later.model_withdrawal),
        ]
        if later.spot:
            newer.insert(0, (labels.spot_changed[later.spot.by], later.spot.since))
    return _page("verdict.html").render(
        labels=labels,
        language=language,
        verified=verified,
        said=said,
        rows=[(label, text) for label, text in rows if text],
        newer=[said.format(time_text(moment, language)) for said, moment in newer if moment],
        style=STYLE,
    )


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


# Part of a report's hash: if the layout changes, the report gets another hash.
RENDERER = "pages-12"
MODULE = "skinapi.findings.reports.pdf_document"
PAGE = re.compile(rb"/Type /Page\b")


def print_pdf(report: Report) -> bytes:
    """The report as PDF on A4. Equal reports give equal bytes."""
    # Imported late: the start of a server does without ReportLab and its fonts.
    pdf: bytes = importlib.import_module(MODULE).render_pdf(report)
    return pdf


def count_pages(pdf: bytes) -> int:
    """Of a PDF of `print_pdf`, which packs none of its objects."""
    return len(PAGE.findall(pdf))
