"""Checks an account's storage quota without counting all of its findings for every photo."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial

from skinapi.storage.faults import Fault
from skinapi.storage.ids import now
from skinapi.storage.ports import Store

# The newest findings are always counted one by one, so that a finding that has its number but is
# still being written is not missed. Where there are more than MOST_COUNTED of them, the older ones
# are added to the stored bound. On MongoDB, taking a number and writing the finding are two steps:
# a finding that is overtaken by NEWEST others in between is missed until `check` repairs the bound,
# so the account could keep one more than its quota.
NEWEST = 50
MOST_COUNTED = 100


@dataclass(frozen=True)
class Bound:
    """At most `value` findings of an owner have the number `through` or a lower one."""

    through: int = 0
    value: int = 0


class FindingCounts:
    """Stores one upper bound per owner, and counts only the findings with higher numbers.

    Numbers only grow, so the true count can fall below a bound (by deletion) but never rise above
    it. A bound therefore still holds after a crash or a concurrent write. Only where the bound
    reaches the quota are all findings counted, and the bound is set to the result.
    """

    def __init__(self, store: Store) -> None:
        self._counts = store.collection("finding_counts")
        self._findings = store.collection("submissions")
        self._findings.ensure_index("owner", "number", "id")

    def reaches(self, owner: str, most: int) -> bool:
        """Whether this owner has `most` findings or more."""
        bound = self._read(owner)
        newer = self._count(owner, after=bound.through)
        if bound.value + newer >= most:
            return self.recount(owner) >= most
        if newer > MOST_COUNTED:
            self._advance(owner, bound)
        return False

    def recount(self, owner: str) -> int:
        """The exact count; its cost grows with the count."""
        bound = self._advance(owner, Bound())
        return bound.value + self._count(owner, after=bound.through)

    def forget(self, owner: str) -> None:
        self._counts.delete({"id": owner})

    def owners(self) -> set[str]:
        return {row["id"] for row in self._counts.find()}

    def faults(self, owner: str, kept: int) -> Iterator[Fault]:
        """A bound below the owner's `kept` findings, as after a partial restore of a backup."""
        bound = self._read(owner)
        if bound.value + self._count(owner, after=bound.through) < kept:
            yield Fault(f"account {owner} keeps more findings than counted", self._mend(owner))

    def _mend(self, owner: str) -> partial[None]:
        return partial(self.forget, owner)

    def _advance(self, owner: str, bound: Bound) -> Bound:
        """Move the bound up to the newest few findings, and store it. It holds whichever of several
        concurrent writers is the last.
        """
        newest = self._findings.find({"owner": owner}, sort="-number", limit=NEWEST + 1)
        if len(newest) > NEWEST and newest[-1]["number"] > bound.through:
            through = newest[-1]["number"]
            more = self._count(owner, after=bound.through, through=through)
            bound = Bound(through, bound.value + more)
        if bound != self._read(owner):
            kept = {"schema": 1, "created_at": now(), **asdict(bound)}
            self._counts.update({"id": owner}, {"$set": kept}, upsert=True)
        return bound

    def _count(self, owner: str, *, after: int, through: int | None = None) -> int:
        numbers = {"$gt": after} if through is None else {"$gt": after, "$lte": through}
        return self._findings.count({"owner": owner, "number": numbers})

    def _read(self, owner: str) -> Bound:
        row = self._counts.get(owner)
        return Bound(row["through"], row["value"]) if row else Bound()
