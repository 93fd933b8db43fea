"""The collection of spots. A finding names its spot (`lesion`), and never the other way round."""

from collections.abc import Sequence, Set
from datetime import UTC, datetime
from typing import Self

from skinapi.base.errors import BadRequest, Conflict, Unprocessable
from skinapi.base.field_types import ID
from skinapi.base.pages import Page, PageRequest
from skinapi.base.stored_record import StoredRecord
from skinapi.model.context import (
    PARTS,
    TWO_SIDED,
    BodySide,
    BodySite,
    Context,
    Laterality,
    SpokenPlace,
)
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Document, Filter, set_or_remove
from skinapi.platform.storage.records import Repository

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)  # before all that was deleted
NOT_DELETED: Filter = {"deleted_at": None}
# What a deleted spot has no more. Its owner may use the idempotency key again.
CLOSED: Document = {
    "findings": 0,
    "latest": None,
    "joined": None,
    "remind_at": None,
    "idempotency_key": None,
}
# Of these there is one on the left and one on the right, and nothing between.
PAIRED: frozenset[BodySite] = frozenset(
    ("acral", "ear", "foot", "hand", "lower_extremity", "upper_extremity")
)
# The drawing of the body map is as wide on both sides of this; so near to it is the middle.
MIDLINE, MIDDLE = 50.0, 3.0


def lies_between(site: BodySite, laterality: Laterality | None) -> bool:
    """Whether it would lie between the left and the right one of a pair: nothing does."""
    return laterality == "middle" and site in PAIRED


def lie_apart(one: Sequence[str | None], other: Sequence[str | None]) -> bool:
    """Whether these, each a site and a laterality, are two parts of the body, or the two sides.
    What was told of front and rear, or near the middle, may be said of one spot.
    """
    (site, side), (other_site, other_side) = one, other
    sites = {site, other_site} - {None}
    near = len(sites) < 2 or any(sites <= part for part in PARTS)
    return not near or {side, other_side} == {"left", "right"}


class Place(StoredRecord):
    """Where on the body a spot is. `side`, `x` and `y` are a point of the console's body map
    (console/static/views/body_map.js), in the units of its drawing; x and y both or none.
    `told_laterality` is of a spot without a point: a point says it itself.
    """

    site: BodySite
    side: BodySide | None = None
    x: float | None = None
    y: float | None = None
    told_laterality: Laterality | None = None

    @classmethod
    def from_told(cls, told: Context) -> Self:
        """Return the place that was told with a photo, which is not refused where it
        `lies_between`.
        """
        if told.body_site is None:
            raise SpotWithoutPlace
        between = lies_between(told.body_site, told.body_laterality)
        laterality = None if between else told.body_laterality
        return cls(site=told.body_site, side=told.body_side, told_laterality=laterality)

    @property
    def written(self) -> tuple[str | None, ...]:
        """What a letter is written of, and is compared with later."""
        return self.site, self.laterality, self.side

    @property
    def known(self) -> tuple[str | None, ...]:
        """What it says of the place of a photo of which that was not told."""
        sided = self.laterality if self.laterality in ("left", "right") else None
        return self.site, sided, self.side if self.site in TWO_SIDED else None

    @property
    def laterality(self) -> Laterality | None:
        """Left and right are those of the person, who faces us where the body is drawn from the
        front.
        """
        if self.x is None:
            return self.told_laterality
        if abs(self.x - MIDLINE) <= MIDDLE and not lies_between(self.site, "middle"):
            return "middle"
        return "left" if (self.x < MIDLINE) == (self.side == "rear") else "right"

    def differs_from(self, told: Context) -> bool:
        """Whether another place was told with a photo. What was not said contradicts nothing."""
        seen = self.side if self.site in TWO_SIDED else None
        said = told.body_site, told.body_laterality, told.body_side
        pairs = zip(said, (self.site, self.laterality, seen), strict=True)
        return any(one and other and one != other for one, other in pairs)


class Lesion(StoredRecord):
    """A spot. `findings` is how many it has, and `latest` the newest of them. `joined` is the spot
    that was joined to it last. At `remind_at` its owner is reminded of what is to be done about it;
    `reminded` is the newest finding when that was done. One that was deleted at `deleted_at` is
    kept with its messages for the doctor in charge; nobody else finds it.
    """

    id: str
    created_at: datetime
    owner: str
    place: Place
    name: str | None = None
    findings: int = 0
    latest: str | None = None
    joined: str | None = None
    remind_at: datetime | None = None
    reminded: str | None = None
    deleted_at: datetime | None = None
    idempotency_key: str | None = None
    request_hash: str | None = None


class Lesions(Repository[Lesion]):
    collection, record = "lesions", Lesion
    indexes = (("owner", "deleted_at", "id"), ("remind_at", "id"), ("joined", "id"))
    unique = (("owner", "idempotency_key"),)

    def find(self, identifier: str, /) -> Lesion | None:
        lesion = self.find_kept(identifier)
        return None if lesion is None or lesion.deleted_at else lesion

    def find_kept(self, identifier: str) -> Lesion | None:
        return super().find(identifier)

    def find_other_place(self, lesion: str, told: Context) -> SpokenPlace | None:
        found = self.find(lesion)
        place = found.place if found and found.place.differs_from(told) else None
        return (place.site, place.laterality, place.side) if place else None

    def find_joined(self, identifier: str) -> Lesion | None:
        """The spot to which this one was joined, unless another was joined to that since."""
        return self._first({"joined": identifier}) if ID.fullmatch(identifier) else None

    def by_ids(self, identifiers: Sequence[str]) -> dict[str, Lesion]:
        return {lesion.id: lesion for lesion in self._list({"id": {"$in": [*identifiers]}})}

    def list_newest(self, identifiers: Sequence[str]) -> tuple[set[str], set[str]]:
        """Return the newest findings of these spots, and the owners of those that were deleted or
        have none.
        """
        findings, owners = set[str](), set[str]()
        fields = ("latest", "deleted_at", "owner")
        for document in self._documents.find({"id": {"$in": [*identifiers]}}, fields=fields):
            if document.get("latest") and not document.get("deleted_at"):
                findings.add(document["latest"])
            else:
                owners.add(document["owner"])
        return findings, owners

    def find_by_key(self, owner: str, key: str | None, request_hash: str) -> Lesion | None:
        return self._by_key(key, request_hash, owner=owner)

    def page_owned(self, owner: str, paging: PageRequest) -> Page[Lesion]:
        wanted: Filter = {"owner": owner, **NOT_DELETED}
        return self._page(wanted, paging)

    def list_closed(self, owner: str) -> list[Lesion]:
        """An owner's spots that were deleted and had messages, the first deleted first."""
        wanted: Filter = {"owner": owner, "deleted_at": {"$gt": BEGINNING}}
        return self._list(wanted, sort="deleted_at")

    def count_of(self, owner: str) -> int:
        return self._documents.count({"owner": owner, **NOT_DELETED})

    def list_due(self, limit: int) -> list[str]:
        due = {"remind_at": {"$lte": now()}}
        documents = self._documents.find(due, sort="remind_at", limit=limit, fields=())
        return [document["id"] for document in documents]

    def change(self, identifier: str, fields: Document) -> Lesion | None:
        """None removes a field. It always writes, so that of two transactions about one spot one
        conflicts.
        """
        ops = {**set_or_remove(fields), "$inc": {"revision": 1}}
        return self._read(self._documents.update({"id": identifier}, ops))

    def remove(self, identifier: str) -> None:
        self._documents.delete({"id": identifier})

    def close(self, identifier: str) -> None:
        """Delete it for its owner, and keep it for the doctor who reads its messages."""
        self.change(identifier, {**CLOSED, "deleted_at": now()})

    def forget(self, owner: str, *, kept: Set[str] = frozenset()) -> None:
        """Delete all spots of this owner but the `kept` ones. Idempotent."""
        if not kept:
            self._documents.delete({"owner": owner})
            return
        own = self._documents.find({"owner": owner}, sort="deleted_at", fields=())
        others = [document["id"] for document in own if document["id"] not in kept]
        if others:
            self._documents.delete({"id": {"$in": others}})

    def owners(self) -> set[str]:
        return set(self._documents.count_by("owner"))


class SpotWithoutPlace(BadRequest):
    code = "spot_without_place"
    sentence = "Nobody has said where the spot of this finding is: send body_site with the photo"


class TooManyLesions(Unprocessable):
    """`most`: how many spots an account may have."""

    code, sentence = "too_many_lesions", "This account has as many spots as it may"

    def __init__(self, most: int) -> None:
        super().__init__(f"{self.sentence} ({most}). Delete or join some, then try again.")


class SortedElsewhere(Conflict):
    code = "sorted_elsewhere"
    sentence = "This finding is not in the spot that `was` names any more; look at it again"


class JoinedWithItself(Unprocessable):
    code, sentence = "joined_with_itself", "A spot cannot be joined with itself; name another one"
