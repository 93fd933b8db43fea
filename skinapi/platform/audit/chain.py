from collections.abc import Iterable, Iterator
from functools import partial
from itertools import groupby

from skinapi.platform.storage.faults import Fault
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Document, Documents, Store
from skinapi.platform.storage.store_version import SigningKeys

NO_PREVIOUS_HASH = "0" * 64
MISSING = "its chain head was missing"
NOT_OURS = "its chain head was not signed with a known key"
START: Document = {"sequence": 0, "hash": NO_PREVIOUS_HASH}
SIGNED_FIELDS = ("chain", "sequence", "hash", "key", "signature")
SIGNED, CHANGED = "signed", "was changed after it was written"
UNSIGNED = "without a signature: from before rows were signed, or written by somebody else"
OTHER_KEY = (
    "signed with an unknown key: FORMER_JWT_SECRET_KEYS must name the JWT_SECRET_KEY of that time"
)


def chain_faults(rows: Iterable[Document], keys: SigningKeys, name: str) -> Iterator[Fault]:
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
    before, age = keys.age(previous or {}), keys.age(row)
    # A replaced secret may be known to others, so it must not sign anything more.
    if before is not None and age is not None and age > before:
        yield Fault(f"{name} row {row['sequence']} is signed with an older key than the one before")
    if row.get("unsigned"):
        yield Fault(f"{name} row {row['sequence']} was not signed before it was numbered")
    if why := _head_fault(row, keys, name):
        yield Fault(f"{name} row {row['sequence']} was written when {why}")


def _head_fault(row: Document, keys: SigningKeys, name: str) -> str | None:
    """Return what was wrong with the chain head when this row was written. A head signed with a
    lost key is verified once that key is known again. Rows of an earlier version have no head.
    """
    head = row.get("head") or {}
    if not keys.signed(head, field="signature"):
        return row.get("head_fault")
    before = {"chain": name, "sequence": row["sequence"] - 1, "hash": row.get("previous")}
    return None if before.items() <= head.items() else f"its chain head named {head['sequence']}"


class ChainHead:
    """The signed head of a hash chain, stored apart from the rows so that `check` notices if the
    newest rows were deleted. It moves in the transaction that numbers the rows.
    """

    def __init__(self, store: Store, rows: Documents, name: str, keys: SigningKeys) -> None:
        self._counters = store.collection("counters")
        self._rows, self._name, self._keys = rows, name, keys
        self._id = f"{name}-head"

    def newest(self) -> Document:
        """The number and hash that the next row follows, with a `head_fault` if the stored head
        cannot be trusted. The number of a deleted row is never used again.
        """
        head = self._read()
        trusted = head is not None and self._trusts(head)
        candidates = [self.last_row(), *([head] if head and trusted else [])]
        newest = _place(max(candidates, key=lambda link: int(link["sequence"])))
        if trusted or (head is None and newest == START):
            return newest
        if head is None:
            return {**newest, "head_fault": MISSING}
        found = {field: head[field] for field in SIGNED_FIELDS if head.get(field) is not None}
        return {**newest, "head_fault": NOT_OURS, "head": found}

    def follow(self, last: Document, row: Document) -> bool:
        """Move the head from the last row to this one. Returns False if the stored head is not the
        one this server would have signed; then use `newest`.
        """
        at_last = {"id": self._id, "signature": self._signed(last)["signature"]}
        return self._counters.update(at_last, {"$set": self._signed(row)}) is not None

    def move(self, row: Document) -> None:
        head = self._signed(row)
        behind = {"id": self._id, "sequence": {"$lt": row["sequence"]}}
        if self._counters.update(behind, {"$set": head}) is None and self._read() is None:
            self._counters.insert({"id": self._id, "schema": 1, "created_at": now(), **head})

    def check_integrity(self) -> Iterator[Fault]:
        # No repair is possible: a new head would hide deleted rows.
        head, last = self._read(), self.last_row()["sequence"]
        if head is None:
            if last:
                yield Fault(f"{self._name} rows without a chain head: the newest may be deleted")
        elif not self._trusts(head):
            yield Fault(f"the chain head of the {self._name} rows is not signed with a known key")
        else:
            if last < head["sequence"]:
                yield Fault(f"{self._name} rows {last + 1} to {head['sequence']} are missing")
            for row in self._rows.find({"sequence": head["sequence"]}):
                if row.get("hash") != head["hash"]:
                    message = f"{self._name} row {head['sequence']} is not the one that was written"
                    yield Fault(message)

    def _trusts(self, head: Document) -> bool:
        signed = {field: head.get(field) for field in SIGNED_FIELDS}
        return head.get("chain") == self._name and self._keys.signed(signed, field="signature")

    def last_row(self) -> Document:
        newest = self._rows.find(sort="-sequence", limit=1)  # rows without a number sort last
        return next((_place(row) for row in newest if "sequence" in row), START)

    def _signed(self, row: Document) -> Document:
        facts = {"chain": self._name, **_place(row), "key": self._keys.current}
        return {**facts, "signature": self._keys.sign(facts)}

    def _read(self) -> Document | None:
        return self._counters.get(self._id)


def _place(row: Document) -> Document:
    return {"sequence": row["sequence"], "hash": row["hash"]}
