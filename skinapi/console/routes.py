"""The pages contain no data; it comes from the API with the caller's token."""

import gzip
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

import yaml
from flask import Response, request

from skinapi.base.errors import NotFound, SkinAPIError
from skinapi.base.languages import LANGUAGES, OWN_NAMES, WORDS_FOLDER, Language, space_all_french
from skinapi.base.settings.demo_folder import Demo
from skinapi.model.context import TOLD, Context
from skinapi.model.heat_map_overlay import COLOURS_FILE
from skinapi.model.told_facts import list_choices, say_answer
from skinapi.platform.area import Area
from skinapi.platform.web.answers import refusal_page
from skinapi.platform.web.declaration import Public, Rate, Routes

STATIC = Path(__file__).parent / "static"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".jpg": "image/jpeg",
}
COMPRESSED = {".html", ".css", ".js", ".json", ".svg"}
# Comments on their own lines, 10 KB that a browser would load before the login. Vendored files stay
# unchanged.
COMMENTS = re.compile(rb"^[ \t]*(?://.*|/\*(?:(?!\*/)[\s\S])*\*/(?=[ \t]*$))", re.MULTILINE)


@dataclass(frozen=True)
class Asset:
    written: bytes
    suffix: str
    commented: bool = False

    @classmethod
    def read(cls, path: Path) -> "Asset":
        commented = path.suffix in (".css", ".js") and path.parent.name != "vendor"
        return cls(path.read_bytes(), path.suffix, commented)

    def with_metas(self, metas: Mapping[str, str]) -> "Asset":
        tags = "".join(f'  <meta name="{k}" content="{escape(v)}">\n' for k, v in metas.items())
        return Asset(self.content.replace(b"</head>", f"{tags}</head>".encode()), self.suffix)

    @cached_property
    def content(self) -> bytes:
        if not self.commented:
            return self.written
        # Keep the line numbers.
        return COMMENTS.sub(lambda comment: b"\n" * comment[0].count(b"\n"), self.written)

    @cached_property
    def etag(self) -> str:
        return hashlib.sha256(self.content).hexdigest()[:20]

    @cached_property
    def zipped(self) -> bytes:
        return gzip.compress(self.content, mtime=0)


@dataclass(frozen=True)
class Words(Asset):
    french: bool = False

    @classmethod
    def of(cls, language: Language, file: str, areas: Sequence[Area] = ()) -> "Words":
        folders = (area.console.folder / "words" for area in areas if area.console.folder)
        files = [folder / language / file for folder in (WORDS_FOLDER, *folders)]
        written = b"".join(path.read_bytes() for path in files)
        return cls(written, ".json", french=language == "fr")

    @cached_property
    def by_key(self) -> dict[str, str]:
        words = yaml.load(self.written, yaml.CSafeLoader)
        return dict(space_all_french(words, french=self.french))

    @cached_property
    def content(self) -> bytes:
        return json.dumps(self.by_key, ensure_ascii=False).encode()


TOLD_FACTS = {
    name: {
        "question": fact.question,
        "word": fact.word,
        "asked": fact.asked,
        "hint": fact.hint,
        "answers": {
            value: f"{fact.answers}_{say_answer(value)}"
            for value in fact.shown or list_choices(Context.model_fields[name].annotation)
            if fact.answers
        },
    }
    for name, fact in TOLD.items()
}
# Read once. Only these files can be requested.
ASSETS: dict[str, Asset] = {
    path.relative_to(STATIC).as_posix(): Asset.read(path)
    for path in sorted(STATIC.rglob("*"))
    if path.suffix in TYPES
}
ASSETS[COLOURS_FILE.name] = Asset.read(COLOURS_FILE)
ASSETS["facts.js"] = Asset(f"export const TOLD = {json.dumps(TOLD_FACTS)};\n".encode(), ".js")
INDEX, EMBEDDED = "index.html", "embed/index.html"
for _page in (INDEX, EMBEDDED):
    ASSETS[_page] = ASSETS[_page].with_metas({"languages": json.dumps(OWN_NAMES)})
# Words that no page of a patient uses are in a separate file, which a patient's browser does not
# load.
STAFF_WORDS = "console_staff.yaml"
WORDS = {
    f"{name}.{language}.json": Words.of(language, file)
    for name, file in (("words", "console.yaml"), ("words.staff", STAFF_WORDS))
    for language in LANGUAGES
}
ASSETS |= WORDS
# Photos are fetched with a token and shown from memory as blob: URLs.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
)


def read_assets(areas: Sequence[Area]) -> dict[str, Asset]:
    assets = dict(ASSETS)
    for language in LANGUAGES:
        assets[f"words.staff.{language}.json"] = Words.of(language, STAFF_WORDS, areas)
    for area in areas:
        if folder := area.console.folder:
            paths = sorted((folder / "console").glob("*.js"))
            assets |= {f"{area.name}/{path.name}": Asset.read(path) for path in paths}
    return assets


def describe_part(area: Area) -> dict[str, Any]:
    """Return what an area adds to the scripts (`AREAS` in navigation.js)."""
    part = area.console

    def place(files: Mapping[str, str]) -> dict[str, str]:
        return {name: f"/console/{area.name}/{file}" for name, file in files.items()}

    return {
        "views": place(part.views),
        "open": part.open,
        "beside_models": part.beside_models,
        "children": part.children,
        "sections": {page: place(files) for page, files in part.sections.items()},
        "inside": place(part.inside),
        "scopes": area.scopes,
    }


@dataclass(frozen=True, slots=True)
class Console:
    index: Asset
    assets: Mapping[str, Asset]

    @classmethod
    def from_demo(
        cls,
        demo: Demo | None,
        log_ins: Mapping[str, object],
        responsible: Mapping[str, str | None],
        areas: Sequence[Area],
    ) -> "Console":
        index = ASSETS[INDEX]
        values = {"demo": demo.model_dump_json() if demo else None}
        values["log-ins"] = json.dumps(log_ins) if log_ins else None
        values["responsible"] = json.dumps(responsible) if any(responsible.values()) else None
        values["areas"] = json.dumps([*map(describe_part, areas)])
        page = index.with_metas({name: said for name, said in values.items() if said})
        return cls(page, read_assets(areas))

    def show(self) -> Response:
        return answer_asset(self.index)

    def show_missing(self, error: SkinAPIError) -> Response:
        if not isinstance(error, NotFound):
            return refusal_page(error)
        response = Response(self.index.content, error.status, content_type=TYPES[".html"])
        response.headers["Content-Security-Policy"] = POLICY
        return response


# Sending from memory costs less than counting, and a browser loads 25 files at a first visit. A
# clinic of 25 people has one address.
routes: Routes[Console] = Routes(rate=Rate.UNLIMITED)


@routes.route("GET", "/password", access=Public(), produces="text/html")
def show_password_page(console: Console) -> Response:
    """The console, at the form where an initial password is replaced."""
    return console.show()


@routes.route("GET", "/console/<path:name>", access=Public(), produces="*/*", raises=(NotFound,))
def show_asset(console: Console, *, name: str) -> Response:
    """A script, style sheet or picture of the console."""
    if name not in console.assets:
        raise NotFound
    return answer_asset(console.assets[name])


# A browser caches the file and asks each time if it is current.
KEPT = "no-cache"


def answer_asset(asset: Asset) -> Response:
    zipped = asset.suffix in COMPRESSED and request.accept_encodings.quality("gzip") > 0
    response = Response(asset.zipped if zipped else asset.content, content_type=TYPES[asset.suffix])
    if zipped:
        response.headers["Content-Encoding"] = "gzip"
    response.headers["Vary"] = "Accept-Encoding"
    response.headers["Cache-Control"] = KEPT
    response.headers["Content-Security-Policy"] = POLICY
    response.set_etag(asset.etag, weak=zipped)
    response.make_conditional(request)
    return response
