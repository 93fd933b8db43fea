"""The receipts of erasures: what was erased, what is kept and why, and what is out of reach. A
receipt names nobody: who erased an account is found by its code.
"""

import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any, Literal

from jinja2 import Environment, Template
from pydantic import BaseModel, ConfigDict, Field

from skinapi.base.languages import Language, load_words
from skinapi.base.pages import Page, PageRequest
from skinapi.base.stored_record import StoredRecord
from skinapi.base.subject import ErasureReason
from skinapi.base.values import Value
from skinapi.findings.records.decisions import say_day
from skinapi.findings.reports.content import STYLE
from skinapi.findings.reports.words import say_moment
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.ports import Document, Remnant
from skinapi.platform.storage.records import Records, changes_between
from skinapi.privacy.signature import Signer

CODE_BYTES = 16
# The account itself, the medical record that was kept of one, or all but such a record.
Extent = Literal["account", "record", "all_but_record"]
Asker = Literal["person", "admin", "system"]


class Kept(StrEnum):
    AUDIT = "audit"
    RECORD = "record"
    COUNTS = "counts"
    SIGNED = "signed"
    MODEL = "model"
    MODEL_PERHAPS = "model_perhaps"
    ADDRESS = "address"
    TO_REACH = "person_to_reach"


class Elsewhere(StrEnum):
    """Where something of a person was sent, and cannot be called back from."""

    ARCHIVE = "archive"
    WEBHOOKS = "webhooks"
    MAIL = "mail"
    LLM = "llm"
    PROVIDER = "provider"
    PROGRAMS = "programs"


class KeptItem(StoredRecord):
    """`names` are versions of models. Without `until_at` it is never deleted."""

    what: Kept
    count: int | None = None
    until_at: datetime | None = None
    names: tuple[str, ...] = ()


class SentItem(StoredRecord):
    """So many findings may have been sent, from the first time to the last."""

    where: Elsewhere
    count: int | None = None
    first_at: datetime | None = None
    last_at: datetime | None = None


class KeptView(Value):
    model_config = ConfigDict(from_attributes=True)

    what: Kept
    count: int | None = None
    until: datetime | None = Field(
        default=None, validation_alias="until_at", description="null: it is never deleted"
    )
    names: list[str] = Field(default=[], description="versions of models")


class SentView(Value):
    model_config = ConfigDict(from_attributes=True)

    where: Elsewhere
    count: int | None = Field(default=None, description="how many findings")
    first: datetime | None = Field(default=None, validation_alias="first_at")
    last: datetime | None = Field(default=None, validation_alias="last_at")


class BackupItem(StoredRecord):
    """A backup that still holds the person."""

    made_at: datetime
    place: str


class Receipt(StoredRecord):
    """`created_at`: nobody sees the data since then. `gone_at`: it is not in the store any more.
    `awaits_until_at`: no job of the person can run any more. It is complete once all files are
    deleted and overwritten too; until then `pending` holds the account's id: one for an account.
    """

    id: str
    created_at: datetime
    account: str
    code: str
    asked_by: Asker
    reason: ErasureReason | None = None
    extent: Extent = "account"
    language: Language = "en"
    pending: str | None = None
    counted_at: datetime | None = None
    erased: Mapping[str, int] = {}
    kept: tuple[KeptItem, ...] = ()
    elsewhere: tuple[SentItem, ...] = ()
    awaits_until_at: datetime | None = None
    gone_at: datetime | None = None
    completed_at: datetime | None = None
    backups: tuple[BackupItem, ...] = ()
    remains: tuple[str, ...] = ()
    store: str = ""
    signature: str | None = None
    public_key: str | None = None

    @property
    def complete(self) -> bool:
        return self.completed_at is not None

    @property
    def signed(self) -> str | None:
        """The text that its signature covers, once it is complete."""
        return self.signed_text().decode() if self.complete else None

    def signed_text(self) -> bytes:
        content = self.model_dump(mode="json", exclude=NOT_SIGNED, exclude_none=True)
        return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


NOT_SIGNED = {"signature", "public_key", "pending"}


def sign_receipt(receipt: Receipt, signer: Signer) -> Receipt:
    signature = signer.sign(receipt.signed_text()).decode().strip()
    key = signer.public_key.encoded
    return receipt.model_copy(update={"signature": signature, "public_key": key})


def is_genuine(receipt: Receipt, signer: Signer) -> bool:
    """Whether a key of this server, of today or former, has signed it as it is."""
    signature = (receipt.signature or "").encode()
    return any(key.verifies(receipt.signed_text(), signature) for key in signer.known_keys)


def fingerprint_of(receipt: Receipt, signer: Signer) -> str | None:
    keys = (key for key in signer.known_keys if key.encoded == receipt.public_key)
    return next((key.fingerprint for key in keys), None)


class Receipts(Records[Receipt]):
    collection, record = "erasure_receipts", Receipt
    indexes = (("pending", "id"), ("account", "id"))
    unique = (("code",), ("pending",))

    def add(self, account: str, **fields: Any) -> Receipt:
        """Begin a receipt, in the transaction that begins the erasure."""
        code = secrets.token_hex(CODE_BYTES)
        return self.insert(
            Receipt(
                id=new_id(), created_at=now(), account=account, pending=account, code=code, **fields
            )
        )

    def find_by_code(self, code: str) -> Receipt | None:
        return self._first({"code": code})

    def find_pending(self, account: str) -> Receipt | None:
        return self._first({"pending": account})

    def find_newest(self, account: str) -> Receipt | None:
        return self._first({"account": account}, sort="-id")

    def find_all_pending(self) -> list[Document]:
        return self._documents.find({"pending": {"$gt": ""}}, sort="pending")

    def page(self, paging: PageRequest) -> Page[Receipt]:
        return self._page({}, paging, newest_first=True)

    def set_counted(self, receipt: Receipt, **facts: Any) -> Receipt | None:
        """Set what there was before anything is deleted; None where it is set already."""
        counted = receipt.model_copy(update={"counted_at": now(), **facts})
        changed = changes_between(receipt, counted)
        return self._change({"id": receipt.id, "counted_at": None}, **changed)

    def set_gone(self, account: str) -> None:
        self._change({"pending": account, "gone_at": None}, gone_at=now())

    def complete(self, receipt: Receipt, finished: Receipt) -> bool:
        """Set the finished receipt in the place of the pending one, once."""
        pending = {"id": receipt.id, "pending": receipt.account}
        return self._change(pending, **changes_between(receipt, finished)) is not None


Row = tuple[str, str]
MOST_DATES = 12


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
    remains: Mapping[Remnant, str]
    no_remains: str
    how_to_verify: str


WORDS: Mapping[Language, ReceiptWords] = load_words("privacy.receipts", ReceiptWords)


@dataclass(frozen=True, slots=True)
class ReceiptText:
    """What a receipt says, in one language. `url`: of its page."""

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
        return [
            (text, str(counts[kind])) for kind, text in self.words.kinds.items() if kind in counts
        ]

    @property
    def sections(self) -> list[tuple[str, list[str]]]:
        words, receipt = self.words, self.receipt
        nothing = [words.nothing]
        parts = {
            "kept": [self.say_kept(item) for item in receipt.kept] or nothing,
            "elsewhere": [self.say_sent(item) for item in receipt.elsewhere] or nothing,
        }
        if receipt.complete:
            parts["backups"] = self._say_backups() or [words.no_backups]
            remains = [words.remains[Remnant(remnant)] for remnant in receipt.remains]
            parts["remains"] = remains or [words.no_remains]
        return [(words.labels[name], sentences) for name, sentences in parts.items()]

    def _say_backups(self) -> list[str]:
        if not self.receipt.backups:
            return []
        dates = [self._moment(backup.made_at) for backup in self.receipt.backups]
        more = f"; + {len(dates) - MOST_DATES}" if len(dates) > MOST_DATES else ""
        return [self.words.backups, "; ".join(dates[:MOST_DATES]) + more]

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


@cache
def _template() -> Template:
    page = resources.files(__package__).joinpath("receipt.html").read_text("utf-8")
    return Environment(autoescape=True).from_string(page)


def render_receipt(said: ReceiptText | None, language: Language) -> str:
    """Render the page of a receipt; without one it says that there is none."""
    words = WORDS[language]
    return _template().render(said=said, words=words, language=language, style=STYLE)
