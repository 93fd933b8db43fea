"""The register as a page to print, and as a table for a spreadsheet. The page loads nothing and
runs no script.
"""

import base64
import csv
import hashlib
import io
from collections.abc import Iterator
from functools import cache
from importlib import resources

from jinja2 import Environment, Template
from markupsafe import Markup

from skinapi.admin.audit_files import cell_of
from skinapi.privacy.register.drawing import STYLE as DRAWN_STYLE
from skinapi.privacy.register.drawing import draw_flow
from skinapi.privacy.register.schemas import ActivityView, RecipientView, RegisterView
from skinapi.privacy.register.words import WORDS
from skinapi.reports.words import say_moment

COLUMNS = ("part", "title", "text", "detail")


def _read(name: str) -> str:
    return resources.files(__package__).joinpath("pages", name).read_text("utf-8")


def _hash(style: str) -> str:
    return base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()


STYLE = Markup(_read("register.css"))  # noqa: S704 (our own file)
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_hash(STYLE)}' 'sha256-{_hash(DRAWN_STYLE)}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@cache
def _page() -> Template:
    return Environment(autoescape=True).from_string(_read("register.html"))


def html_of(register: RegisterView) -> str:
    labels = WORDS[register.language].labels
    return _page().render(
        register=register,
        labels=labels,
        style=STYLE,
        made=labels["made"].format(moment=say_moment(register.made_at, register.language)),
        controller=_controller(register),
        recipients=[_recipient(one, register) for one in register.recipients],
        retained=lambda one: [(row.title, row.until) for row in one.retention],
        drawing=Markup(draw_flow(register)),  # noqa: S704 (it escapes its texts)
    )


def csv_of(register: RegisterView) -> bytes:
    """With a byte order mark, without which Excel reads no UTF-8."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for row in _rows(register):
        writer.writerow([cell_of(cell) for cell in row])
    return text.getvalue().encode("utf-8-sig")


def _rows(register: RegisterView) -> Iterator[tuple[str, str, str, str]]:
    labels = WORDS[register.language].labels
    for title, text in _controller(register):
        yield labels["controller"], title, text, ""
    for one in register.activities:
        yield labels["purposes"], one.title, one.text, _whose(one)
        for row in one.retention:
            yield labels["retention"], row.title, row.until, one.title
    for recipient in register.recipients:
        title, to, sent, setting = _recipient(recipient, register)
        yield labels["recipients"], title, f"{to}: {sent}", setting
    for measure in register.measures:
        yield labels["measures"], measure, "", ""


def _controller(register: RegisterView) -> list[tuple[str, str]]:
    labels = WORDS[register.language].labels
    unset = labels["not_set"]
    return [
        (labels["name"], register.controller or unset.format(setting="CLINIC_NAME")),
        (labels["contact"], register.contact or unset.format(setting="PRIVACY_CONTACT")),
        (labels["address"], register.address),
    ]


def _whose(activity: ActivityView) -> str:
    return f"{', '.join(activity.persons)}: {', '.join(activity.kinds)}" if activity.persons else ""


def _recipient(one: RecipientView, register: RegisterView) -> tuple[str, str, str, str]:
    """Who, where, what of it, and by which setting."""
    labels = WORDS[register.language].labels
    where = labels["outside" if one.outside else "inside"]
    to = f"{', '.join(one.to)}. {where}" if one.on else labels["off"]
    return one.title, to, one.text, one.setting
