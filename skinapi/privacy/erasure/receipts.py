"""The receipts of erasures: what was erased, when, and a code by which anybody can check it. A
receipt names nobody: who erased an account is found by its code.
"""

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from skinapi.base.languages import Language, load_words
from skinapi.base.pages import Page, PageRequest
from skinapi.base.stored_record import Frozen, StoredRecord
from skinapi.base.subject import ErasureReason
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.ports import Document
from skinapi.platform.storage.records import Repository, changes_between

CODE_BYTES = 16
# The account itself, the medical record that was kept of one, or all but such a record.
Extent = Literal["account", "record", "all_but_record"]
Asker = Literal["person", "admin", "system"]


class Receipt(StoredRecord):
    """`created_at`: nobody sees the data since then. `gone_at`: it is not in the store any more.
    `awaits_until_at`: no job of the person can run any more. It is complete once all files are
    deleted and overwritten too; until then `pending` holds the account's id: one for an account.
    `kept_until_at`: until when the law keeps the medical record.
    """

    id: str
    created_at: datetime
    account: str
    code: str
    asked_by: Asker
    reason: ErasureReason | None = None
    extent: Extent = "account"
    pending: str | None = None
    counted_at: datetime | None = None
    erased: Mapping[str, int] = {}
    kept_until_at: datetime | None = None
    awaits_until_at: datetime | None = None
    gone_at: datetime | None = None
    completed_at: datetime | None = None

    @property
    def complete(self) -> bool:
        return self.completed_at is not None


class Receipts(Repository[Receipt]):
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

    def complete(self, receipt: Receipt) -> None:
        """Complete a pending receipt, once."""
        pending = {"id": receipt.id, "pending": receipt.account}
        self._change(pending, completed_at=now(), pending=None)


class ReceiptWords(Frozen):
    unknown: str
    pending: str
    headlines: Mapping[Extent, str]
    backups: str


WORDS: Mapping[Language, ReceiptWords] = load_words("privacy.receipts", ReceiptWords)


def say_receipt(receipt: Receipt | None, language: Language) -> str:
    words = WORDS[language]
    if receipt is None:
        return words.unknown
    if not receipt.complete:
        return words.pending
    return f"{words.headlines[receipt.extent]} {words.backups}"
