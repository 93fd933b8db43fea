"""A report as a page: for screens, screen readers and browsers' printers. It loads nothing and runs
nothing, and its policy says so.
"""

import base64
import hashlib
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, Template
from markupsafe import Markup

from skinapi.reports.pages.content import ReportContent, time_text
from skinapi.reports.pages.labels import labels_of
from skinapi.reports.pages.text_layout import strip_control_characters
from skinapi.reports.report import Report
from skinapi.reports.verification import Issued
from skinapi.vision.conditions import Language


def _read(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")


def _tame(value: Any) -> Any:
    """What each expression of the page passes before it is escaped."""
    return strip_control_characters(value) if type(value) is str else value


_STYLE = _read("report.css")
_PAGES = Environment(autoescape=True, finalize=_tame)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; img-src data:; style-src 'sha256-{_STYLE_HASH}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@cache
def _page(name: str) -> Template:
    """Compiled when it is first asked for."""
    return _PAGES.from_string(_read(name))


def render_html(report: Report) -> str:
    sheet, pictures = ReportContent(report), report.pictures
    return _page("report.html").render(
        sheet=sheet,
        labels=sheet.labels,
        band=report.band_words,
        style=_style(),
        photo=_base64(pictures.photo) if pictures else "",
        overlay=_base64(pictures.overlay) if pictures else "",
    )


def render_verdict(issued: Issued | None, language: Language) -> str:
    """For whoever scans the code with a telephone."""
    labels = labels_of(language)
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
        style=_style(),
    )


def _style() -> Markup:
    return Markup(_STYLE)  # noqa: S704 (our own file)


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
