"""Writes `index.html`: what the file says, for people, in every language, on one page that needs
neither a network nor a script.
"""

import base64
import hashlib
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib import resources
from pathlib import Path
from typing import IO, Any

from jinja2 import Environment, Template
from markupsafe import Markup
from pydantic import BaseModel, ConfigDict

from skinapi.base.languages import LANGUAGES, Language, load_words
from skinapi.findings.records.decisions import say_day
from skinapi.findings.reports.content import ReportContent
from skinapi.findings.reports.page_texts import strip_control_characters, time_text
from skinapi.findings.reports.report import Report
from skinapi.findings.reports.words import LABELS
from skinapi.model.conditions import conditions_table
from skinapi.privacy.person_file.format import (
    AccountFile,
    ConsentsFile,
    FiledAuditRow,
    FiledKey,
    FiledMessage,
    FiledSession,
    FiledSpot,
    FindingFile,
)

# Of the audit trail; audit.json has all.
MOST_ROWS = 200
PARTS = ("account", "consents", "devices", "keys", "spots", "findings", "audit", "files",
         "left_out")  # fmt: skip


class PageWords(BaseModel):
    """See the page: page.html."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    language_name: str
    title: str
    of: str
    made: str
    how: str
    print: str
    contents: str
    account: str
    consents: str
    devices: str
    keys: str
    spots: str
    findings: str
    audit: str
    files: str
    left_out: str
    nothing: str
    name: str
    email: str
    role: str
    since: str
    since_login: str
    since_made: str
    status: str
    language: str
    doctor: str
    second_factor: str
    browsers: str
    notices: str
    password: str
    yes: str
    no: str
    is_set: str
    is_none: str
    purpose: str
    agreed: str
    when: str
    version: str
    client: str
    used: str
    ends: str
    scopes: str
    uses: str
    spot_deleted: str
    you: str
    finding: str
    photo: str
    photo_missing: str
    no_photo: str
    told: str
    doctors: str
    review: str
    report: str
    reports_before: str
    data: str
    page_left_out: str
    who: str
    what: str
    about: str
    newest: str
    files_text: str
    signed: str
    compare: str
    missing: str
    left_out_items: Sequence[str]
    roles: Mapping[str, str]
    statuses: Mapping[str, str]
    purposes: Mapping[str, str]
    actions: Mapping[str, str]


WORDS: Mapping[Language, PageWords] = load_words("person_file.PAGE", PageWords)


def _clean(value: Any) -> Any:
    # Exactly str: a Markup value is our own text.
    return strip_control_characters(value) if type(value) is str else value


@cache
def _template() -> Template:
    page = resources.files(__package__).joinpath("page.html").read_text("utf-8")
    return Environment(autoescape=True, finalize=_clean).from_string(page)


@cache
def _style() -> tuple[Markup, str]:
    css = resources.files(__package__).joinpath("page.css").read_text("utf-8")
    hashed = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    return Markup(css), hashed  # noqa: S704 (our own file)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldFinding:
    """A finding, with its report in each language; without, where that could not be read."""

    filed: FindingFile
    reports: Mapping[Language, Report]


@dataclass(slots=True, kw_only=True)
class PageWriter:
    """Writes the parts of each language into a file of its own in `folder`, since findings come one
    by one, and in the end all of them into the page. `first` is the language that comes first.
    """

    folder: Path
    first: Language
    _parts: dict[Language, IO[str]] = field(default_factory=dict, init=False)

    @property
    def languages(self) -> list[Language]:
        return sorted(LANGUAGES, key=lambda language: language != self.first)

    def begin(
        self,
        *,
        account: AccountFile,
        consents: ConsentsFile,
        sessions: Sequence[FiledSession],
        keys: Sequence[FiledKey],
        spots: Iterable[tuple[FiledSpot, Sequence[FiledMessage]]],
        findings: bool,
        made_at: datetime,
        server: str,
    ) -> None:
        for language in self.languages:
            say = _Words(language)
            self._write(
                language,
                "beginning",
                account=account,
                made=time_text(made_at, language),
                server=server,
                parts=PARTS,
                facts=say.facts(account),
                consents=say.consents(consents),
                sessions=[
                    (
                        one.client or "",
                        *map(say.time, (one.created_at, one.used_at, one.expires_at)),
                    )
                    for one in sessions
                ],
                keys=[
                    (one.name, say.time(one.created_at), ", ".join(one.scopes), one.uses,
                     say.time(one.revoked_at or one.ends_at))
                    for one in keys
                ],
                spots=[say.spot(*one) for one in spots],
                findings=findings,
            )  # fmt: skip

    def add(self, told: ToldFinding) -> None:
        filed = told.filed
        for language in self.languages:
            say, report = _Words(language), told.reports.get(language)
            content = ReportContent(report) if report else None
            self._write(
                language,
                "one_finding",
                filed=filed,
                content=content,
                letters=content.letters if content else (),
                moment=say.time(filed.created_at),
                photos=filed.photos,
                reviews=say.reviews(filed),
                reports=[
                    (
                        one.path,
                        say.words.reports_before.format(moment=say.time(one.issued_at))
                        if one.issued_at and place
                        else say.words.report,
                    )
                    for place, one in enumerate(filed.reports)
                ],
                json=f"findings/{filed.id}/finding.json",
            )

    def end(
        self,
        *,
        audit: Sequence[FiledAuditRow],
        audit_count: int,
        missing: int,
        fingerprint: str,
        key_address: str,
    ) -> None:
        for language in self.languages:
            say = _Words(language)
            self._write(
                language,
                "ending",
                audit=[say.audited(row) for row in audit],
                audit_count=audit_count,
                missing=missing,
                fingerprint=fingerprint,
                key_address=key_address,
            )

    def copy_to(self, out: Any) -> None:
        """Write the page, and remove its parts."""
        style, style_hash = _style()
        pages = [{"language": one, "words": WORDS[one]} for one in self.languages]
        head = _call("head", pages=pages, style=style, style_hash=style_hash)
        out.write(head.encode())
        for part in self._parts.values():
            part.close()
            with Path(part.name).open("rb") as written:
                shutil.copyfileobj(written, out)
        out.write(_call("tail").encode())
        self.remove()

    def remove(self) -> None:
        for part in self._parts.values():
            part.close()
            Path(part.name).unlink(missing_ok=True)
        self._parts = {}

    def _write(self, language: Language, part: str, **told: Any) -> None:
        if language not in self._parts:
            path = self.folder / f"page.{language}.part"
            self._parts[language] = path.open("w", encoding="utf-8")
        text = _call(part, language=language, words=WORDS[language], **told)
        self._parts[language].write(f"\n{text}\n")


def _call(part: str, **told: Any) -> str:
    return str(getattr(_template().make_module(told), part)())


@dataclass(frozen=True, slots=True)
class _Words:
    """Says the facts of the file in one language."""

    language: Language

    @property
    def words(self) -> PageWords:
        return WORDS[self.language]

    def time(self, moment: datetime | None) -> str:
        return time_text(moment, self.language)

    def facts(self, account: AccountFile) -> list[tuple[str, str]]:
        words, yes = self.words, (self.words.no, self.words.yes)
        there = (words.is_none, words.is_set)
        rows = [
            (words.name, account.name),
            (words.email, account.email),
            (words.role, words.roles.get(account.role, account.role)),
            (words.status, words.statuses.get(account.status, account.status)),
            (words.since, self.time(account.created_at)),
            (words.language, account.locale),
            (words.doctor, account.doctor or ""),
            (words.password, there[account.password]),
            (words.second_factor, there[account.second_factor]),
            (words.browsers, str(account.known_browsers)),
            (words.notices, yes[account.notices]),
        ]
        return [(label, text) for label, text in rows if text]

    def consents(self, filed: ConsentsFile) -> list[tuple[str, ...]]:
        words = self.words
        said = [
            (one.purpose, one.given, self.time(one.at), str(one.version or ""))
            for one in filed.history
        ] or [(purpose, given, "", "") for purpose, given in sorted(filed.current.items())]
        return [
            (words.purposes.get(purpose, purpose), words.yes if given else words.no, at, version)
            for purpose, given, at, version in said
        ]

    def spot(self, spot: FiledSpot, messages: Sequence[FiledMessage]) -> dict[str, Any]:
        place, words = spot.place, self.words
        there = LABELS[self.language].say_place(place.site, place.laterality, place.side)
        day = say_day(spot.deleted_at, self.language) if spot.deleted_at else ""
        return {
            "name": f"{spot.name} ({there})" if spot.name else there,
            "deleted": words.spot_deleted.format(day=day) if day else "",
            "messages": [
                {
                    "who": one.signature or words.you,
                    "moment": self.time(one.created_at),
                    "text": one.text,
                }
                for one in messages
            ],
        }

    def reviews(self, filed: FindingFile) -> list[tuple[str, str]]:
        table = conditions_table()
        said = []
        for one in filed.reviews:
            condition = one.opinion.condition
            named = table.name(condition, self.language) if condition else ""
            text = "\n".join(filter(None, (named, one.note)))
            moment = self.time(one.created_at)
            said.append((self.words.review.format(doctor=one.signature, moment=moment), text))
        return said

    def audited(self, row: FiledAuditRow) -> tuple[str, ...]:
        words = self.words
        role = words.roles.get(row.by, row.by)
        return (
            self.time(row.at),
            f"{row.name} ({role})" if row.name else role,
            words.actions.get(row.action, row.action),
            words.finding.format(number=row.finding) if row.finding is not None else "",
        )
