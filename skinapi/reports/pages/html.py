"""Renders a report as an HTML page, for screens, screen readers and printing from a browser.

The page loads nothing and runs no script; its Content-Security-Policy
(https://www.w3.org/TR/CSP3/) enforces that.
"""

import base64
import hashlib
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, Template
from markupsafe import Markup

from skinapi.languages import Language
from skinapi.reports.pages.characters import strip_control_characters
from skinapi.reports.pages.content import ReportContent, time_text
from skinapi.reports.pages.labels import LABELS
from skinapi.reports.report import Report
from skinapi.reports.verification import Issued


def _read(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")


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


def render_verdict(issued: Issued | None, language: Language) -> str:
    """The result of a verification as a page, for a person who scans the QR code with a phone."""
    labels = LABELS[language]
    rows = []
    if issued:
        rows = [
            (labels.issued, time_text(issued.created_at)),
            (labels.model, issued.model_version or ""),
        ]
    return _page("verdict.html").render(
        labels=labels,
        language=language,
        said=labels.valid if issued else labels.unknown,
        rows=rows,
        style=STYLE,
    )


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
