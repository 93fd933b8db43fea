"""What is wrong with the rows of a hash chain: gaps, broken links, and rows that nobody signed."""

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import groupby

from skinapi.platform.storage.faults import Fault
from skinapi.platform.storage.ports import Document
from skinapi.platform.storage.store_version import SigningKeys

NO_PREVIOUS_HASH = "0" * 64
SIGNED, CHANGED = "signed", "was changed after it was written"
UNSIGNED = "without a signature: from before rows were signed, or written by somebody else"
OTHER_KEY = (
    "signed with an unknown key: FORMER_JWT_SECRET_KEYS must name the JWT_SECRET_KEY of that time"
)


def chain_faults(rows: Iterable[Document], keys: SigningKeys, name: str) -> Iterator[Fault]:
    """Yield the faults of rows that come in the order of their numbers, from 1 up."""
    previous: Document | None = None
    for verdict, group in groupby(rows, key=partial(_verdict, keys)):
        first = None
        for row in group:
            first = first or row
            yield from _link_faults(previous, row, name)
            if verdict == CHANGED:
                yield Fault(f"{name} row {row['sequence']} {CHANGED}")
            elif verdict == SIGNED:
                yield from _signing_faults(previous, row, keys, name)
            previous = row
        if first and previous and verdict in (UNSIGNED, OTHER_KEY):
            numbers = f"{first['sequence']} to {previous['sequence']}"
            yield Fault(f"{name} rows {numbers} are {verdict}")


def _verdict(keys: SigningKeys, row: Document) -> str:
    if row.get("key") is None:
        return UNSIGNED
    if keys.age(row) is None:
        return OTHER_KEY
    return SIGNED if keys.signed(row, field="hash") else CHANGED


def _link_faults(previous: Document | None, row: Document, name: str) -> Iterator[Fault]:
    number = previous["sequence"] + 1 if previous else 1
    if row["sequence"] > number:
        yield Fault(f"{name} rows {number} to {row['sequence'] - 1} are missing")
    elif row["sequence"] < number:
        yield Fault(f"{name} row {row['sequence']} is there more than once")
    elif row.get("previous") != (previous.get("hash") if previous else NO_PREVIOUS_HASH):
        yield Fault(f"{name} row {number} does not follow the row before it")


def _signing_faults(
    previous: Document | None, row: Document, keys: SigningKeys, name: str
) -> Iterator[Fault]:
    """Yield what only a signed row can say."""
    before, age = keys.age(previous or {}), keys.age(row)
    # A secret that was replaced may be known to others: it must sign nothing more.
    if before is not None and age is not None and age > before:
        yield Fault(f"{name} row {row['sequence']} is signed with an older key than the one before")
    if row.get("unsigned"):
        yield Fault(f"{name} row {row['sequence']} was not signed before it was numbered")
    if row.get("head_fault"):
        yield Fault(f"{name} row {row['sequence']} was written when {row['head_fault']}")
