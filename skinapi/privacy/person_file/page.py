"""Writes `index.html`: what the file says, for people, in the language of the account, on one page
that needs neither a network nor a script.
"""

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from importlib import resources
from typing import IO, Any

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from skinapi.base.languages import Language, load_words
from skinapi.base.stored_record import Frozen
from skinapi.findings.reports.content import ReportContent
from skinapi.findings.reports.report import Report
from skinapi.findings.reports.words import (
    LABELS,
    say_amended,
    say_version,
    strip_control_characters,
    time_text,
)
from skinapi.findings.status.decisions import WaitsFor, find_title_key, say_day
from skinapi.findings.status.reviews import Opinion
from skinapi.model.conditions import conditions_table
from skinapi.privacy.person_file import format as form

# Of the audit trail; data.json has all.
MOST_ROWS = 200
PARTS = ("account", "consents", "devices", "keys", "spots", "findings", "audit", "files",
         "left_out")  # fmt: skip


class PageWords(Frozen):
    labels: Mapping[str, str]
    left_out_items: Sequence[str]
    roles: Mapping[str, str]
    statuses: Mapping[str, str]
    purposes: Mapping[str, str]
    actions: Mapping[str, str]


WORDS: Mapping[Language, PageWords] = load_words("privacy.page", PageWords)


def _clean(value: Any) -> Any:
    # Exactly str: a Markup value is our own text.
    return strip_control_characters(value) if type(value) is str else value


@cache
def _template() -> Template:
    page = resources.files(__package__).joinpath("page.html").read_text("utf-8")
    return Environment(autoescape=True, finalize=_clean, undefined=StrictUndefined).from_string(
        page
    )


@cache
def _style() -> tuple[Markup, str]:
    css = resources.files(__package__).joinpath("page.css").read_text("utf-8")
    hashed = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    return Markup(css), hashed  # noqa: S704 (our own file)


class PageWriter:
    """Writes the page into a file of its own, because findings come one by one."""

    def __init__(self, out: IO[str], *, language: Language) -> None:
        self._out = out
        self._language, self._words = language, WORDS[language]
        self._labels = self._words.labels

    def begin(
        self,
        *,
        account: form.FiledAccount,
        consents: form.FiledConsents,
        sessions: Sequence[form.FiledSession],
        keys: Sequence[form.FiledKey],
        spots: Iterable[tuple[form.FiledSpot, Sequence[form.FiledMessage]]],
        messages: Sequence[form.FiledMessage],
        findings: bool,
        made_at: datetime,
        server: str,
    ) -> None:
        style, style_hash = _style()
        self._write(
            "beginning",
            style=style,
            style_hash=style_hash,
            account=account,
            made=self._time(made_at),
            server=server,
            parts=PARTS,
            facts=self._list_facts(account),
            consents=self._list_consents(consents),
            sessions=[
                (session.client or "",
                 *map(self._time, (session.created_at, session.used_at, session.expires_at)))
                for session in sessions
            ],
            keys=[
                (key.name, self._time(key.created_at), ", ".join(key.scopes), key.uses,
                 self._time(key.revoked_at or key.ends_at))
                for key in keys
            ],
            spots=[self._describe_spot(*spot) for spot in spots],
            messages=self._list_messages(messages),
            findings=findings,
        )  # fmt: skip

    def add(self, filed: form.FiledFinding, report: Report | None) -> None:
        """Add a finding; without a report, where that could not be read."""
        content = ReportContent(report) if report else None
        self._write(
            "one_finding",
            filed=filed,
            content=content,
            letters=content.letters if content else (),
            moment=self._time(filed.created_at),
            photos=filed.photos,
            judged=self._say_judged(filed),
            earlier=self._list_earlier(filed),
            reviews=self._list_reviews(filed),
        )

    def end(self, *, audit: Sequence[form.FiledAuditRow], audit_count: int, missing: int) -> None:
        self._write(
            "ending",
            audit=[self._describe_act(row) for row in audit],
            audit_count=audit_count,
            missing=missing,
            left_out_items=self._words.left_out_items,
        )

    def _write(self, part: str, **values: Any) -> None:
        module: Any = _template().make_module(
            {"language": self._language, "words": self._labels, **values}
        )
        self._out.write(f"{getattr(module, part)()}\n")

    def _time(self, moment: datetime | None) -> str:
        return time_text(moment, self._language)

    def _list_facts(self, account: form.FiledAccount) -> list[tuple[str, str]]:
        labels, words = self._labels, self._words
        yes, there = (labels["no"], labels["yes"]), (labels["is_none"], labels["is_set"])
        facts = {
            "name": account.name,
            "email": account.email,
            "phone": account.phone,
            "role": words.roles.get(account.role, account.role),
            "status": words.statuses.get(account.status, account.status),
            "since": self._time(account.created_at),
            "language": account.locale,
            "birth_year": account.birth_year and str(account.birth_year),
            "sex": LABELS[self._language].say_fact("sex", account.sex),
            "doctor": account.doctor,
            "password": there[account.password],
            "second_factor": there[account.second_factor],
            "browsers": str(account.known_browsers),
            "notices": yes[account.notices],
        }
        return [(labels[name], text) for name, text in facts.items() if text]

    def _list_consents(self, filed: form.FiledConsents) -> list[tuple[str, ...]]:
        answers = [
            (consent.purpose, consent.given, self._time(consent.at), str(consent.version or ""))
            for consent in filed.history
        ] or [(purpose, given, "", "") for purpose, given in sorted(filed.current.items())]
        return [
            (
                self._words.purposes.get(purpose, purpose),
                self._labels["yes" if given else "no"],
                at,
                version,
            )
            for purpose, given, at, version in answers
        ]

    def _describe_spot(
        self, spot: form.FiledSpot, messages: Sequence[form.FiledMessage]
    ) -> dict[str, Any]:
        place, there = spot.place, say_day(spot.created_at, self._language)
        if place:
            there = LABELS[self._language].say_place(place.site, place.laterality, place.side)
        return {
            "name": f"{spot.name} ({there})" if spot.name else there,
            "messages": self._list_messages(messages),
        }

    def _list_messages(self, messages: Sequence[form.FiledMessage]) -> list[dict[str, str]]:
        return [
            {
                "who": message.signature or self._labels["you"],
                "moment": self._time(message.created_at),
                "text": message.text,
            }
            for message in messages
        ]

    def _say_judged(self, filed: form.FiledFinding) -> str:
        labels, said = LABELS[self._language], list[str]()
        if judged := say_version(filed.version, filed.judged_at, filed.corrected, self._language):
            said.append(f"{labels.judged}: {judged}")
        for item in filed.amendments:
            amended = say_amended(item.before, item.amended_at, self._language)
            said.append(f"{labels.amended}: {amended}")
        return "; ".join(said)

    def _list_earlier(self, filed: form.FiledFinding) -> list[tuple[str, str]]:
        """What the photo was answered with before it was judged again, the newest first."""
        language, rows = self._language, []
        for item in reversed(filed.earlier):
            said = item.finding.headline.for_patient.in_language(language)
            head = say_version(item.version, item.judged_at, item.corrected, language)
            rows.append((head, f"{said} {item.finding.band_words(language).label}."))
        return rows

    def _list_reviews(self, filed: form.FiledFinding) -> list[tuple[str, str]]:
        rows = []
        for review in filed.reviews:
            head = self._labels["voided_review" if review.voided else "review"].format(
                doctor=review.signature, moment=self._time(review.created_at)
            )
            said = [*self._say_opinion(review.opinion), review.note]
            rows.append((head, "\n".join(filter(None, said))))
        return rows

    def _say_opinion(self, opinion: Opinion) -> Iterator[str]:
        """With how certain it was: one that is suspected is no diagnosis."""
        table, language = conditions_table(), self._language
        words, label = table.notices.decision, opinion.label
        if label:
            key = find_title_key(label, opinion.certainty, awaited=opinion.awaited)
            title = getattr(words, key).in_language(language)
            yield words.heading.in_language(language).format(
                title=title, name=table.name_for_patient(label, language)
            )
        if opinion.photo_wanted:
            yield words.waits_for[WaitsFor.PHOTO].label.in_language(language)

    def _describe_act(self, row: form.FiledAuditRow) -> tuple[str, ...]:
        role = self._words.roles.get(row.by, row.by)
        number = row.finding
        return (
            self._time(row.at),
            f"{row.name} ({role})" if row.name else role,
            self._words.actions.get(row.action, row.action),
            self._labels["finding"].format(number=number) if number is not None else "",
        )
