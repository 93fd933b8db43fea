"""The receipts of erasures: what was erased, what is kept and why, and what is out of reach. A
receipt names nobody: who erased an account is found by its code.
"""

import json
import secrets
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from skinapi.base.languages import Language
from skinapi.base.pages import Page
from skinapi.base.stored_record import StoredRecord
from skinapi.base.subject import ErasureReason
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.ports import Document
from skinapi.platform.storage.records import Records, changes_between
from skinapi.privacy.signature import Signer

CODE_BYTES = 16
# The account itself, the medical record that was kept of one, or all but such a record.
Extent = Literal["account", "record", "all_but_record"]
Asker = Literal["person", "admin", "system"]


class Kept(StrEnum):
    """What an erasure leaves, and a receipt names."""

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
    """What may have been sent: `count` findings, of these times."""

    where: Elsewhere
    count: int | None = None
    first_at: datetime | None = None
    last_at: datetime | None = None


class BackupItem(StoredRecord):
    """A backup that still holds the person."""

    made_at: datetime
    place: str


class Receipt(StoredRecord):
    """`created_at` is when the erasure began: nobody sees the data since then. From `gone_at` on it
    is not in the store any more; it is complete once no job of the person can run any more
    (`awaits_until_at`), all files are deleted and what was deleted is overwritten. `pending` holds
    the account's id as long as the receipt is not complete, so that an account has one such.
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
    def short_code(self) -> str:
        """So much of its code as a person compares with a paper."""
        return self.code[:8]

    @property
    def signed(self) -> str | None:
        """The text whose signature it has, once it is complete."""
        return self.signed_text().decode() if self.complete else None

    def signed_text(self) -> bytes:
        """What the signature is of: sorted keys and fixed separators, so that equal content gives
        equal bytes.
        """
        said = self.model_dump(mode="json", exclude=NOT_SIGNED, exclude_none=True)
        return json.dumps(said, sort_keys=True, separators=(",", ":")).encode()


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
    """That of the key that has signed it."""
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
        """That of the last erasure of this account."""
        return self._first({"account": account}, sort="-id")

    def find_all_pending(self) -> list[Document]:
        """Those of erasures that have not ended, as they are stored; `pending` is the account."""
        return self._documents.find({"pending": {"$gt": ""}}, sort="pending")

    def page(self, *, after: str | None, limit: int) -> Page[Receipt]:
        """The newest first, behind this id."""
        return self._page({}, after=after, limit=limit, newest_first=True)

    def set_counted(self, receipt: Receipt, **facts: Any) -> Receipt | None:
        """Set what there was before anything is deleted, once. None where it is set already."""
        counted = receipt.model_copy(update={"counted_at": now(), **facts})
        changed = changes_between(receipt, counted)
        return self._change({"id": receipt.id, "counted_at": None}, **changed)

    def set_gone(self, account: str) -> None:
        """Note that the account's data is not in the store any more."""
        self._change({"pending": account, "gone_at": None}, gone_at=now())

    def complete(self, receipt: Receipt, finished: Receipt) -> bool:
        """Set the finished receipt in the place of the pending one, once."""
        pending = {"id": receipt.id, "pending": receipt.account}
        changed = changes_between(receipt, finished.model_copy(update={"pending": None}))
        return self._change(pending, **changed) is not None
