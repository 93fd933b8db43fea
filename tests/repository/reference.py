"""`make docs` (`python -m tests.repository.reference`) writes the generated parts of docs, deploy/
and the files of settings; test_docs.py fails while they differ from the code.
"""

import os
import re
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from skinapi.accounts.auth import guess_limits, recovery, sessions
from skinapi.app.areas import list_area_settings, list_areas
from skinapi.base import size_limits
from skinapi.base.area_parts import list_parts
from skinapi.base.settings.settings import VERSION, Settings
from skinapi.care import message_records
from skinapi.findings.records import letters
from skinapi.findings.reports import openrouter
from skinapi.model.decoding import file_header, photo
from skinapi.model.registry import prediction_pool
from skinapi.platform.notices import outbox
from skinapi.platform.storage import files as stored_files
from skinapi.platform.web import admission, schemas
from tests.repository.documents import ROOT
from tests.repository.nginx_errors import FILE as NGINX_ERRORS
from tests.repository.nginx_errors import find_json_photos, list_forms, write_errors
from tests.repository.routes_table import HEAD as ROUTES_HEAD
from tests.repository.routes_table import read_routes, route_rows
from tests.support.access import PARTS

COMMAND = "make docs"
Row = tuple[str, ...]


def settings_table() -> list[str]:
    properties = Settings.model_json_schema()["properties"]
    rows = [
        (
            f"`{name.upper()}`",
            _allowed(schema),
            _default(schema["default"]),
            schema["description"],
        )
        for name, schema in properties.items()
    ]
    return _table(("setting", "allowed", "default", "meaning"), rows)


def _example_lines() -> list[str]:
    lines = []
    for name, field in list_area_settings():
        words = re.sub(r"\[(.+?)\]\(.+?\)", r"\1", f"{field.description}".replace("`", ""))
        default = field.default
        lines += [*textwrap.wrap(words, 98, initial_indent="# ", subsequent_indent="# ")]
        lines.append(f"{name}={'' if default is None else _written(default)}")
    return lines


def _compose_lines() -> list[str]:
    return [f"      {name}:" for name, _ in list_area_settings()]


def _secret_lines() -> list[str]:
    secrets = [name for name, field in list_area_settings() if "SecretStr" in str(field.annotation)]
    key = "              valueFrom: {{secretKeyRef: {{name: skinapi, key: {}, optional: true}}}}"
    return [line for name in secrets for line in (f"            - name: {name}", key.format(name))]


def _queue_lines() -> list[str]:
    routes = [route.path for _, route in read_routes() if route.carries_photo]
    routes += [path for part in PARTS for path in part.spooled_photos]
    asked = f'{{method="POST",route=~"{"|".join(dict.fromkeys(routes))}",status="503"}}[5m]'
    return [
        "        expr: |",
        f"          sum by (job, instance) (increase(skinapi_requests_total{asked})) >= 5",
        "          and on (job, instance) min by (job, instance) (skinapi_ready) == 1",
    ]


def _areas_table() -> list[str]:
    rows = [
        (f"[{area.name}]({os.path.relpath(area.page, 'docs')})", area.summary)
        for area in list_areas()
    ]
    return _table(("area", "what it adds"), rows)


def limits_table() -> list[str]:
    return _table(("what", "limit"), [*_limits()])


def _limits() -> Iterator[Row]:
    """Return the limits that callers meet. They are fixed: only a new release changes them."""
    silent, rate = _seconds(admission.SILENT_SECONDS), _bytes(admission.SLOWEST_RATE)
    yield "time without a byte while a body is sent", silent
    yield "time to read an answer", f"{silent}, and 1 s more for every {rate}"
    yield "body of a request, unless its route says otherwise", _bytes(size_limits.LARGEST_BODY)
    yield "disk space that uploads leave free", _bytes(stored_files.RESERVED_BYTES)
    yield "entries on a page of a list", str(schemas.LARGEST_PAGE)
    yield "formats of a photo", ", ".join(file_header.FORMATS)
    yield "sides of a photo", f"{photo.SMALLEST_SIDE} to {photo.LONGEST_SIDE} pixels"
    yield "pixels of a photo", f"{photo.MOST_PIXELS // 10**6} million"
    yield "longer side of a stored photo", f"{photo.STORED_SIDE} pixels"
    yield "photos that wait for the model, in each process", str(prediction_pool.MOST_WAITING)
    yield "sessions of an account (a further one ends the oldest)", str(sessions.MOST_SESSIONS)
    guesses = guess_limits.GUESSES_PER_HOUR
    yield (
        "wrong passwords for an account in an hour",
        f"{guesses} from all unknown addresses together, {guesses} from each known one",
    )
    yield "an address stays known to an account for", _days(guess_limits.KNOWN_FOR.days)
    yield (
        "wrong codes of a second factor for an account in an hour",
        f"{guess_limits.CODES_PER_HOUR} of the app, and as many recovery codes from each address",
    )
    yield (
        "registrations from an address in an hour, with e-mails that have an account",
        str(guess_limits.TAKEN_PER_HOUR),
    )
    mails = guess_limits.LINKS_PER_HOUR
    yield (
        "mails with a link for a new password, to an account in an hour",
        f"{mails} requested from unknown addresses, {mails} from each known one",
    )
    yield (
        "a mailed link for a new password is valid for",
        f"{recovery.MAILED_LINK_LIFE.seconds // 60} minutes",
    )
    yield (
        "time between two mails to a person that are neither urgent nor about security",
        f"{outbox.GATHERED_FOR.seconds // 60} minutes",
    )
    for area in list_parts("limits", "tests"):
        yield from area.LIMITS
    yield "length of a letter", f"{letters.LONGEST_LETTER:,} characters"
    yield "length of a message", f"{message_records.LONGEST_MESSAGE:,} characters"
    yield (
        "requests to the LLM for an account in a day",
        f"a tenth of `LLM_DAILY_BUDGET`, at least {openrouter.LEAST_SHARE_OF_ONE}",
    )


# Which tables a page has.
TABLES: Mapping[str, Mapping[str, Callable[[], list[str]]]] = {
    "docs/api.md": {"routes": lambda: _table(ROUTES_HEAD, [*route_rows()])},
    "docs/operate/configure.md": {"settings": settings_table, "limits": limits_table},
    "docs/architecture.md": {"areas": _areas_table},
    ".env.example": {"settings of areas": _example_lines},
    "compose.yaml": {"settings of areas": _compose_lines},
    "deploy/kubernetes/base/server.yaml": {"secrets of areas": _secret_lines},
    "deploy/nginx/skinapi.conf.template": {
        "forms of areas": list_forms,
        "photos in JSON": find_json_photos,
    },
    "deploy/prometheus/alerts.rules.yml": {"routes of photos": _queue_lines},
}


# Recipes that run an image of this version.
TAG = re.compile(r"(newTag: |/skinapi:)[\w.]+")
TAGGED = [path for path in (ROOT / "deploy").rglob("*.yaml") if TAG.search(path.read_text())]


def write_tags(recipe: Path) -> str:
    return TAG.sub(rf"\g<1>{VERSION}", recipe.read_text())


def write_page(page: str) -> str:
    text = (ROOT / page).read_text()
    for name, table in TABLES[page].items():
        mark = "<!-- {} -->" if page.endswith(".md") else "# {}"
        head, begin, rest = text.partition(f"{mark.format(f'{name}: {COMMAND}')}\n")
        _, end, tail = rest.partition(mark.format(f"end of {name}"))
        if not end:
            raise ValueError(f"{page} has no place for the table of {name}")
        indent = " " * (len(head) - len(head.rstrip(" ")))
        text = head + begin + "".join(f"{line}\n" for line in table()) + indent + end + tail
    return text


def _table(head: Row, rows: Sequence[Row]) -> list[str]:
    return [_line(head), "|" + "---|" * len(head), *map(_line, rows)]


def _line(cells: Row) -> str:
    escaped = (cell.replace("|", r"\|") for cell in cells)
    return f"|{'|'.join(escaped)}|"


def _default(value: Any) -> str:
    if value is None:
        return "empty"
    return f"`{_written(value)}`"


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _allowed(schema: dict[str, Any]) -> str:
    schema = next((part for part in schema.get("anyOf", ()) if part.get("type") != "null"), schema)
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    if schema["type"] == "boolean":
        return "`true` or `false`"
    if schema["type"] in ("integer", "number"):
        return _range(schema)
    return {"password": "secret", "path": "path"}.get(schema.get("format", ""), "text")


def _range(schema: dict[str, Any]) -> str:
    above = schema.get("exclusiveMinimum")
    if schema["type"] == "integer" and above is not None:
        schema, above = {"minimum": above + 1, **schema}, None
    low = f"{schema['minimum']:g}" if above is None else f"more than {above:g}"
    if "maximum" in schema:
        return f"{low} to {schema['maximum']}"
    if "exclusiveMaximum" in schema:
        return f"{low} or more, less than {schema['exclusiveMaximum']:g}"
    return f"{low} or more"


def _bytes(size: int) -> str:
    return f"{size // 2**20} MB" if size >= 2**20 else f"{size // 2**10} KB"


def _seconds(seconds: float) -> str:
    return f"{seconds:g} s"


def _days(days: int) -> str:
    return f"{days} days"


if __name__ == "__main__":
    for page in TABLES:
        (ROOT / page).write_text(write_page(page))
    for recipe in TAGGED:
        recipe.write_text(write_tags(recipe))
    NGINX_ERRORS.write_text(write_errors())
    written = (*TABLES, str(NGINX_ERRORS.relative_to(ROOT)))
    sys.stdout.write(f"written: {', '.join(written)}\n")
