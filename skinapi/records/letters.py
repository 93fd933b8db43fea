"""The collection of letters: what a doctor writes about a finding. A draft is its doctor's alone. A
signed letter never changes, and is part of the finding's report; it can be withdrawn.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Literal, get_args

from skinapi.domain.field_types import ID
from skinapi.languages import Language
from skinapi.records.errors import LetterChanged, TooManyLetters
from skinapi.storage.faults import Fault
from skinapi.storage.ids import new_id, now
from skinapi.storage.ports import Document, Filter, Store
from skinapi.stored_record import StoredRecord

# All of a finding are read with its report.
MOST_LETTERS = 20
LONGEST_LETTER = 5000
Addressee = Literal["patient", "colleague"]
ADDRESSEES: tuple[Addressee, ...] = get_args(Addressee)


class Withdrawal(StoredRecord):
    """`withdrawn_by` is the doctor's name at that time."""

    withdrawn_at: datetime
    withdrawn_by: str
    reason: str


class Letter(StoredRecord):
    """`signature` is the doctor's name when it was signed; it stays after the doctor's account is
    deleted. `decision` is what it begins with, in the software's words, a line each: what counted
    when it was signed. `version` counts the texts that were stored. `last_review` is the finding's
    newest review when it was signed.
    """

    id: str
    created_at: datetime
    submission: str
    doctor: str
    reader: Addressee
    language: Language
    decision: str = ""
    text: str
    version: int = 1
    signed_at: datetime | None = None
    signature: str | None = None
    last_review: str | None = None
    withdrawn: Withdrawal | None = None


class Letters:
    def __init__(self, store: Store) -> None:
        self._documents = store.collection("letters")
        self._documents.ensure_index("submission", "id")
        self._documents.ensure_index("doctor", "id")

    def add(self, *, submission: str, doctor: str, **fields: Any) -> Letter:
        """Store a draft. Raises TooManyLetters."""
        self.refuse_more(submission, doctor)
        letter = Letter(
            id=new_id(), created_at=now(), submission=submission, doctor=doctor, **fields
        )
        self._documents.insert({**letter.stored(), "schema": 1})
        return letter

    def refuse_more(self, submission: str, doctor: str) -> None:
        """Raises TooManyLetters. Drafts of other doctors do not count: this one can delete none of
        them.
        """
        letters = self.list_of(submission)
        if (
            sum(one.signed_at is not None or one.doctor == doctor for one in letters)
            >= MOST_LETTERS
        ):
            raise TooManyLetters

    def find(self, identifier: str) -> Letter | None:
        # What was sent as an id may be a text that no store takes.
        found = self._documents.get(identifier) if ID.fullmatch(identifier) else None
        return Letter.model_validate(found) if found else None

    def list_of(self, submission: str) -> list[Letter]:
        """All letters about a finding, drafts too, the oldest first."""
        return [
            Letter.model_validate(one) for one in self._documents.find({"submission": submission})
        ]

    def list_signed_of(self, submissions: Sequence[str]) -> list[Letter]:
        """The signed letters about these findings, those of each the oldest first."""
        wanted: Filter = {"submission": {"$in": [*submissions]}}
        found = map(Letter.model_validate, self._documents.find(wanted, sort="submission"))
        return [letter for letter in found if letter.signed_at]

    def list_signed(self, submission: str) -> tuple[Letter, ...]:
        return tuple(letter for letter in self.list_of(submission) if letter.signed_at)

    def change_draft(self, identifier: str, version: int, fields: Document) -> Letter:
        """Set these fields of a draft. Raises LetterChanged where it has another version."""
        changed = self._documents.update(
            {"id": identifier, "version": version},
            {"$set": fields, "$inc": {"version": 1}},
        )
        if changed is None:
            raise LetterChanged
        return Letter.model_validate(changed)

    def withdraw(self, identifier: str, withdrawal: Withdrawal) -> Letter:
        """Call it in a transaction that has read the letter as signed and not withdrawn."""
        fields: Document = {"withdrawn": withdrawal.stored()}
        return Letter.model_validate(self._documents.update({"id": identifier}, {"$set": fields}))

    def remove_draft(self, identifier: str) -> None:
        self._documents.delete({"id": identifier, "signed_at": None})

    def forget(self, submission: str) -> None:
        self._documents.delete({"submission": submission})

    def forget_drafts(self, doctor: str) -> None:
        """Delete what this doctor has not signed. Idempotent."""
        self._documents.delete({"doctor": doctor, "signed_at": None})

    def faults(self, has_submission: Callable[[str], bool]) -> Iterator[Fault]:
        """Letters of deleted findings, as servers of the version before leave them."""
        for submission in sorted(self._documents.count_by("submission")):
            if not has_submission(submission):
                says = f"letters of submission {submission}, which is gone"
                yield Fault(says, partial(self.forget, submission))
