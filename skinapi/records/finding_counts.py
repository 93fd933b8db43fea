"""How many findings an owner keeps, told without counting all of them for every photo."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial

from skinapi.storage.faults import Fault
from skinapi.storage.ids import now
from skinapi.storage.ports import Store

# The newest findings are always counted themselves, so that one whose number was taken but which
# is still being written is not missed. Past MOST_COUNTED they are added to the kept count. On
# MongoDB, where taking the number and writing are two steps, one that is overtaken by so many is
# missed until `check` mends it: an account could keep one more.
NEWEST = 50
MOST_COUNTED = 100


@dataclass(frozen=True)
class Bound:
    """At most `value` findings of an owner are numbered `through` or less."""

    through: int = 0
    value: int = 0


class FindingCounts:
    """Keeps one upper bound an owner, and counts only the findings behind it.

    Numbers only grow, so deleting can lower the true count below a bound, and nothing can raise it
    above: a crash or a concurrent writer leaves a bound that still holds. Only where the bound
    reaches what is asked for are all findings counted, and the bound is set anew.
    """

    def __init__(self, store: Store) -> None:
        self._counts = store.collection("finding_counts")
        self._findings = store.collection("submissions")
        self._findings.ensure_index("owner", "number", "id")

    def reaches(self, owner: str, most: int) -> bool:
        """Whether this owner keeps as many as that."""
        bound = self._read(owner)
        behind = self._count(owner, after=bound.through)
        if bound.value + behind >= most:
            return self.recount(owner) >= most
        if behind > MOST_COUNTED:
            self._advance(owner, bound)
        return False

    def recount(self, owner: str) -> int:
        """Exactly, in time that grows with the count."""
        bound = self._advance(owner, Bound())
        return bound.value + self._count(owner, after=bound.through)

    def forget(self, owner: str) -> None:
        self._counts.delete({"id": owner})

    def owners(self) -> set[str]:
        return {row["id"] for row in self._counts.find()}

    def faults(self, owner: str, kept: int) -> Iterator[Fault]:
        """A count below the `kept` findings, as a backup that was put back in parts leaves one."""
        bound = self._read(owner)
        if bound.value + self._count(owner, after=bound.through) < kept:
            yield Fault(f"account {owner} keeps more findings than counted", self._mend(owner))

    def _mend(self, owner: str) -> partial[None]:
        return partial(self.forget, owner)

    def _advance(self, owner: str, bound: Bound) -> Bound:
        """The bound moved up to the newest few, and kept. Whoever writes last, it holds."""
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
