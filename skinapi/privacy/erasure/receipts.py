"""Receipts of erasures. A receipt names nobody and is found by its code."""

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from skinapi.base.errors import NotFound
from skinapi.base.languages import Language, load_words
from skinapi.base.pages import Page, PageRequest
from skinapi.base.stored_record import Frozen, StoredRecord
from skinapi.base.subject import ErasureReason
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.ports import Document
from skinapi.platform.storage.records import Repository, in_transaction

CODE_BYTES = 16
Asker = Literal["person", "admin", "system"]


class Receipt(StoredRecord):
    """A receipt is created when the account is closed and deleted if it is opened again.

    - `begun_at`: the data is no longer visible
    - `gone_at`: the store no longer contains it
    - `completed_at`: all files are deleted and overwritten
    - `pending`: the account's id until then, so that an account has one pending receipt
    """

    id: str
    created_at: datetime
    account: str
    code: str
    asked_by: Asker
    reason: ErasureReason | None = None
    pending: str | None = None
    begun_at: datetime | None = None
    erased: Mapping[str, int] = {}
    gone_at: datetime | None = None
    completed_at: datetime | None = None

    @property
    def complete(self) -> bool:
        return self.completed_at is not None


class Receipts(Repository[Receipt]):
    collection, record = "erasure_receipts", Receipt
    indexes = (("pending", "id"), ("account", "id"))
    unique = (("code",), ("pending",))

    def add(self, account: str, *, asked_by: Asker, reason: ErasureReason | None = None) -> Receipt:
        return self.insert(
            Receipt(
                id=new_id(),
                created_at=now(),
                account=account,
                pending=account,
                code=secrets.token_hex(CODE_BYTES),
                asked_by=asked_by,
                reason=reason,
            )
        )

    def find_by_code(self, code: str) -> Receipt | None:
        return self._first({"code": code})

    def find_pending(self, account: str) -> Receipt | None:
        return self._first({"pending": account})

    def find_newest(self, account: str) -> Receipt:
        receipt = self._first({"account": account}, sort="-id")
        if receipt is None:
            raise NotFound
        return receipt

    def list_begun(self) -> list[Document]:
        pending = self._documents.find({"pending": {"$gt": ""}}, sort="pending")
        return [document for document in pending if "begun_at" in document]

    def page(self, paging: PageRequest) -> Page[Receipt]:
        return self._page({}, paging, newest_first=True)

    def begin(self, receipt: Receipt, *, findings: int) -> None:
        erased = {"findings": findings} if findings else None
        self._change({"id": receipt.id}, begun_at=now(), erased=erased)

    @in_transaction
    def add_erased(self, identifier: str, kind: str, count: int) -> None:
        known = self.get(identifier).erased
        self._change({"id": identifier}, erased={**known, kind: known.get(kind, 0) + count})

    def set_gone(self, identifier: str) -> bool:
        """Return False if it is already set."""
        return self._change({"id": identifier, "gone_at": None}, gone_at=now()) is not None

    def complete(self, receipt: Receipt) -> None:
        pending = {"id": receipt.id, "pending": receipt.account}
        self._change(pending, completed_at=now(), pending=None)

    def drop(self, account: str) -> None:
        self._documents.delete({"pending": account, "begun_at": None})


class ReceiptWords(Frozen):
    unknown: str
    closed: str
    pending: str
    erased: str


WORDS: Mapping[Language, ReceiptWords] = load_words("privacy.receipts", ReceiptWords)


def say_receipt(receipt: Receipt | None, language: Language) -> str:
    words = WORDS[language]
    if receipt is None:
        return words.unknown
    if not receipt.complete:
        return words.pending if receipt.begun_at else words.closed
    return words.erased
