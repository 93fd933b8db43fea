"""What a row of the audit trail says was done with a person's data, and whose it was."""

from collections.abc import Iterator, Mapping
from typing import Literal, get_args

from skinapi.storage.ports import Document

# `own`: by the account itself, or by whoever had its password, session or key.
Act = Literal["read_photo", "read_record", "wrote", "exported", "account", "own"]
ACTS: tuple[Act, ...] = get_args(Act)
# By the whole action first, then by its subject. What is about nobody is in NOBODYS.
DONE: Mapping[str, Act] = {
    "photo.read": "read_photo",
    "thumbnail.read": "read_photo",
    "photo.to_dataset": "exported",
    "finding.to_research": "exported",
    "record.read": "read_record",
    "report.issue": "exported",
    "person_file": "exported",
    "breakglass": "read_record",
    "submission": "wrote",
    "review": "wrote",
    "letter": "wrote",
    "lesion": "wrote",
    "message": "wrote",
    "case": "wrote",
    "account": "account",
    "doctor": "account",
    "patient": "account",
    "key": "account",
    "session": "account",
    "retention": "account",
}
NOBODYS = frozenset(("archive", "breach", "dataset", "job", "model", "store", "webhook"))
# Their target is an account; that of others is a finding, a spot, a key …, and `owner` says whose.
OF_ACCOUNTS = frozenset(("account", "patient", "person_file", "thumbnail", "record"))
# Without an owner in the row, those of who acted.
OF_ACTORS = frozenset(("key", "session"))


def act_of(action: str) -> Act | None:
    """None for what is done with nobody's data."""
    return DONE.get(action) or DONE.get(action.partition(".")[0])


def read_row(row: Document) -> Iterator[tuple[str, Act]]:
    """Each account whose data it was, and what was done with it."""
    action = row["action"]
    act = act_of(action)
    if act is None:
        return
    subject, owner = action.partition(".")[0], row.get("owner")
    if owner is None and (subject in OF_ACCOUNTS or action == "photo.to_dataset"):
        owner = row["target"]
    elif owner is None and subject in OF_ACTORS:
        owner = row["by"]
    if owner:
        yield owner, "own" if owner == row["by"] else act
