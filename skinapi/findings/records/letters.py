"""A draft is visible only to its doctor. A signed letter never changes, but can be withdrawn."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Literal, get_args

from skinapi.base.errors import ChangedMeanwhile
from skinapi.base.languages import Language
from skinapi.base.stored_record import StoredRecord, optional
from skinapi.findings.errors import TooManyLetters
from skinapi.findings.records.stored_finding import StoredFindingRow
from skinapi.findings.status.decisions import say_written_before
from skinapi.findings.status.instruction_words import say_to_do
from skinapi.findings.status.spot import changed_since
from skinapi.platform.storage.faults import Fault
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.ports import Document, Filter
from skinapi.platform.storage.records import Repository

# They are all read together with the report.
MOST_LETTERS = 20
LONGEST_LETTER = 5000
Addressee = Literal["patient", "colleague"]
ADDRESSEES: tuple[Addressee, ...] = get_args(Addressee)


class Withdrawal(StoredRecord):
    withdrawn_at: datetime
    withdrawn_by: str
    reason: str


class ReadSentence(StoredRecord):
    """`key` hashes the sentence and what it was compared with."""

    key: str
    says: Literal["agrees", "contradicts", "adds"]
    why: str = ""

    @property
    def agrees(self) -> bool:
        return self.says == "agrees"


class Letter(StoredRecord):
    """`spot_version` is that of the last draft, save or signature. `decision` holds the fixed
    opening lines. If `redecided`, the text was last saved under another decision than before.
    """

    id: str
    created_at: datetime
    submission: str
    doctor: str
    reader: Addressee
    language: Language
    spot_version: int
    decision: str = ""
    text: str
    model: str | None = optional()
    version: int = 1
    signed_at: datetime | None = None
    signature: str | None = None
    key_words: str = optional(default="")
    read: tuple[ReadSentence, ...] = optional(default=())
    redecided: bool = optional(default=False)
    withdrawn: Withdrawal | None = None


class Letters(Repository[Letter]):
    collection, record = "letters", Letter
    indexes = (("submission", "id"), ("doctor", "id"))

    def add(self, *, finding: str, doctor: str, **fields: Any) -> Letter:
        self.refuse_more(finding, doctor)
        return self.insert(
            Letter(id=new_id(), created_at=now(), submission=finding, doctor=doctor, **fields)
        )

    def refuse_more(self, finding: str, doctor: str) -> None:
        """Drafts of other doctors do not count, because this doctor cannot delete them."""
        letters = self.list_of(finding)
        if (
            sum(item.signed_at is not None or item.doctor == doctor for item in letters)
            >= MOST_LETTERS
        ):
            raise TooManyLetters

    def list_of(self, finding: str) -> list[Letter]:
        return self._list({"submission": finding})

    def list_signed_of(self, findings: Sequence[str]) -> list[Letter]:
        """Return the letters ordered by finding, the oldest first."""
        wanted: Filter = {"submission": {"$in": [*findings]}}
        return [item for item in self._list(wanted, sort="submission") if item.signed_at]

    def list_signed(self, finding: str) -> tuple[Letter, ...]:
        return tuple(letter for letter in self.list_of(finding) if letter.signed_at)

    def change_draft(self, identifier: str, version: int, fields: Document) -> Letter:
        changed = self._documents.update(
            {"id": identifier, "version": version},
            {"$set": fields, "$inc": {"version": 1}},
        )
        if changed is None:
            raise ChangedMeanwhile
        return self._as_record(changed)

    def keep_read(self, identifier: str, read: Sequence[ReadSentence]) -> None:
        """Store judgements without a new version, because the text stays the same."""
        self._documents.update(
            {"id": identifier, "signed_at": None},
            {"$set": {"read": [item.stored() for item in read]}},
        )

    def withdraw(self, identifier: str, withdrawal: Withdrawal) -> Letter:
        """Call it in a transaction that has read the letter as signed and not withdrawn."""
        fields: Document = {"withdrawn": withdrawal.stored()}
        return Letter.model_validate(self._documents.update({"id": identifier}, {"$set": fields}))

    def remove_draft(self, identifier: str) -> None:
        self._documents.delete({"id": identifier, "signed_at": None})

    def leave_spot(self, finding: str) -> None:
        self._documents.update_all({"submission": finding}, {"$set": {"spot_version": 0}})

    def forget(self, finding: str) -> None:
        self._documents.delete({"submission": finding})

    def forget_drafts(self, doctor: str) -> int:
        return self._documents.delete({"doctor": doctor, "signed_at": None})

    def check_integrity(self, has_finding: Callable[[str], bool]) -> Iterator[Fault]:
        for finding in self._gone("submission", has_finding):
            text = f"letters of submission {finding}, which is gone"
            yield Fault(text, partial(self.forget, finding), gone=finding)


@dataclass(frozen=True, slots=True)
class ShownLetter:
    """`written_before` is the line above a letter if the spot has changed since."""

    letter: Letter
    written_before: str | None = None


def show_letter(letter: Letter, about: StoredFindingRow) -> ShownLetter:
    changed = changed_since(about.spot, letter.spot_version)
    if changed is None:
        return ShownLetter(letter)
    to_do = say_to_do(about.instruction, letter.language)
    written_at = letter.signed_at or letter.created_at
    return ShownLetter(letter, say_written_before(written_at, changed, to_do, letter.language))
