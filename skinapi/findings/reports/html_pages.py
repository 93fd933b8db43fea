"""The pages load nothing and run no script, enforced by their Content-Security-Policy
(https://www.w3.org/TR/CSP3/).
"""

import base64
import hashlib
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, Template
from markupsafe import Markup

from skinapi.base.languages import Language
from skinapi.findings.reports.content import ReportContent, filled
from skinapi.findings.reports.report import Report
from skinapi.findings.reports.verification import Verified
from skinapi.findings.reports.words import LABELS, Row, strip_control_characters, time_text


def _read(name: str) -> str:
    return resources.files(__package__).joinpath("pages", name).read_text("utf-8")


def _clean_text(value: Any) -> Any:
    # Only plain str: Markup is our own text, and cleaning would turn it into str.
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
            (content.labels.picture.format(place), _base64(item.photo), _base64(item.overlay))
            for place, item in report.other_pictures
        ],
    )


def render_verdict(verified: Verified | None, language: Language) -> str:
    labels = LABELS[language]
    said, rows = labels.unknown, list[Row]()
    if verified and verified.entered_in_error:
        said = labels.in_error.format(time_text(verified.entered_in_error, language))
        verified = None
    if verified:
        issued, changed_at = verified.issued, verified.changed_at
        said = labels.newest
        if changed_at:
            said = labels.changed.format(time_text(changed_at, language))
        rows = [
            (labels.finding, labels.number.format(verified.number)),
            (labels.issued, time_text(issued.created_at, language)),
            (labels.model, issued.model_version or ""),
            (labels.pages_of_pdf, str(issued.pages or "")),
            (labels.code, issued.code),
        ]
    return _page("verdict.html").render(
        labels=labels,
        language=language,
        verified=verified,
        said=said,
        rows=filled(rows),
        newest=verified is not None and verified.newest,
        style=STYLE,
    )


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
