"""A receipt for people: the same sentences as a page and as a PDF of one page."""

import importlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, Template
from pydantic import BaseModel, ConfigDict

from skinapi.base.languages import Language, load_words
from skinapi.base.subject import ErasureReason
from skinapi.findings.records.decisions import say_day
from skinapi.findings.reports.rendering import STYLE
from skinapi.findings.reports.words import say_moment
from skinapi.platform.backups.backup import Place
from skinapi.platform.storage.ports import Remnant
from skinapi.privacy.erasure.contents import KINDS
from skinapi.privacy.erasure.receipts import (
    Asker,
    Elsewhere,
    Extent,
    Kept,
    KeptItem,
    Receipt,
    SentItem,
)

Row = tuple[str, str]


class ReceiptWords(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    unknown: str
    forged: str
    pending: str
    headlines: Mapping[Extent, str]
    genuine: str
    asked_by: Mapping[Asker, str]
    reasons: Mapping[ErasureReason, str]
    labels: Mapping[str, str]
    kinds: Mapping[str, str]
    nothing: str
    kept: Mapping[Kept, str]
    elsewhere: Mapping[Elsewhere, str]
    findings: tuple[str, str]
    backups: str
    no_backups: str
    places: Mapping[Place, str]
    remains: Mapping[Remnant, str]
    no_remains: str
    how_to_verify: str
    print: str


WORDS: Mapping[Language, ReceiptWords] = load_words("receipts.RECEIPTS", ReceiptWords)


@dataclass(frozen=True, slots=True)
class ReceiptText:
    """What a receipt says, in one language. `url` is that of its page; `fingerprint` that of the
    key that has signed it.
    """

    receipt: Receipt
    language: Language
    genuine: bool
    fingerprint: str | None
    url: str

    @property
    def words(self) -> ReceiptWords:
        return WORDS[self.language]

    @property
    def headline(self) -> str:
        if not self.receipt.complete:
            return self.words.pending
        return self.words.headlines[self.receipt.extent] if self.genuine else self.words.forged

    @property
    def rows(self) -> list[Row]:
        return [(label, text) for label, text in self._rows() if text]

    def _rows(self) -> Iterator[Row]:
        labels, receipt = self.words.labels, self.receipt
        yield labels["code"], receipt.code
        yield labels["account"], receipt.account
        yield labels["asked_by"], self.words.asked_by[receipt.asked_by]
        yield labels["reason"], self.words.reasons[receipt.reason] if receipt.reason else ""
        yield labels["begun"], self._moment(receipt.created_at)
        yield labels["gone"], self._moment(receipt.gone_at)
        yield labels["completed"], self._moment(receipt.completed_at)
        yield labels["fingerprint"], self.fingerprint or ""
        yield labels["verify"], self.url

    @property
    def erased(self) -> list[Row]:
        counts = self.receipt.erased
        return [(self.words.kinds[kind], str(counts[kind])) for kind in KINDS if kind in counts]

    @property
    def sections(self) -> list[tuple[str, list[str]]]:
        """The headings and sentences below the numbers."""
        words, receipt = self.words, self.receipt
        nothing = [words.nothing]
        parts = {
            "kept": [self.say_kept(item) for item in receipt.kept] or nothing,
            "elsewhere": [self.say_sent(item) for item in receipt.elsewhere] or nothing,
        }
        if receipt.complete:
            parts["backups"] = self._say_backups() or [words.no_backups]
            remains = [words.remains[Remnant(one)] for one in receipt.remains]
            parts["remains"] = remains or [words.no_remains]
        return [(words.labels[name], sentences) for name, sentences in parts.items()]

    def _say_backups(self) -> list[str]:
        if not self.receipt.backups:
            return []
        dates = [self._moment(one.made_at) for one in self.receipt.backups]
        return [self.words.backups, *_some(dates)]

    def say_kept(self, item: KeptItem) -> str:
        until = say_day(item.until_at, self.language) if item.until_at else ""
        return self.words.kept[item.what].format(
            count=item.count, until=until, names=", ".join(item.names)
        )

    def say_sent(self, item: SentItem) -> str:
        one, many = self.words.findings
        count = (one if item.count == 1 else many).format(count=item.count)
        return self.words.elsewhere[item.where].format(
            count=count,
            first=say_day(item.first_at, self.language) if item.first_at else "",
            last=say_day(item.last_at, self.language) if item.last_at else "",
        )

    def _moment(self, moment: datetime | None) -> str:
        return say_moment(moment, self.language) if moment else ""


MOST_DATES = 12


def _some(dates: Sequence[str]) -> list[str]:
    """The newest of them in one line, and how many more there are."""
    more = len(dates) - MOST_DATES
    return ["; ".join(dates[:MOST_DATES]) + (f"; + {more}" if more > 0 else "")]


_PAGES = Environment(autoescape=True)


@cache
def _template() -> Template:
    folder = resources.files(__package__)
    return _PAGES.from_string(folder.joinpath("receipt.html").read_text("utf-8"))


def render_receipt(said: ReceiptText | None, language: Language) -> str:
    """The page of a receipt; without one it says that there is none."""
    words = WORDS[language]
    return _template().render(said=said, words=words, language=language, style=STYLE)


MODULE = "skinapi.privacy.erasure.receipt_pdf"


def print_receipt(said: ReceiptText) -> bytes:
    # Imported late: the start of a server does without ReportLab and its fonts.
    module: Any = importlib.import_module(MODULE)
    pdf: bytes = module.render_pdf(said)
    return pdf
