from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Self

from skinapi.base.pages import Page, PageRequest
from skinapi.base.stored_record import StoredRecord, optional
from skinapi.findings.records.stored_finding import PLACE, Placed
from skinapi.findings.status.spot import Changed, Level, SecondOpinionRequest, Telling
from skinapi.findings.status.spot_view import JudgedPhoto
from skinapi.model.conditions import Band
from skinapi.model.context import (
    PARTS,
    TWO_SIDED,
    BodySide,
    BodySite,
    Context,
    Laterality,
    SpokenPlace,
)
from skinapi.platform.storage.documents import walk_by_id
from skinapi.platform.storage.ids import first_id_at, now
from skinapi.platform.storage.ports import Document, Filter, set_or_remove
from skinapi.platform.storage.records import Repository

# All findings of a spot are read and written in one transaction.
MOST_LESION_FINDINGS = 1000
MOST_RECENT = 1000
NOWHERE: Placed = (None, None, None)
# These sites exist on the left and on the right, without a middle.
PAIRED: frozenset[BodySite] = frozenset(
    ("acral", "ear", "foot", "hand", "lower_extremity", "upper_extremity")
)
# The body map is symmetric about this line. Points this close to it count as the middle.
MIDLINE, MIDDLE = 50.0, 3.0


def lies_between(site: BodySite, laterality: Laterality | None) -> bool:
    return laterality == "middle" and site in PAIRED


def lie_apart(one: Sequence[str | None], other: Sequence[str | None]) -> bool:
    """Front and rear, and points near the middle, may belong to one spot."""
    (site, side), (other_site, other_side) = one, other
    sites = {site, other_site} - {None}
    near = len(sites) < 2 or any(sites <= part for part in PARTS)
    return not near or {side, other_side} == {"left", "right"}


class Place(StoredRecord):
    """`side`, `x` and `y` are a point of the console's body map, in units of its drawing.
    `told_laterality` is only for spots without a point.
    """

    site: BodySite
    side: BodySide | None = None
    x: float | None = None
    y: float | None = None
    told_laterality: Laterality | None = None

    @classmethod
    def from_told(cls, told: Placed) -> Self | None:
        """A laterality that `lies_between` is dropped."""
        site, laterality, side = told
        if site is None:
            return None
        place = cls.model_validate({"site": site, "side": side, "told_laterality": laterality})
        between = lies_between(place.site, place.told_laterality)
        return place.model_copy(update={"told_laterality": None}) if between else place

    @property
    def written(self) -> tuple[str | None, ...]:
        """The place as printed in a letter, to detect later changes."""
        return self.site, self.laterality, self.side

    @property
    def known(self) -> tuple[str | None, ...]:
        sided = self.laterality if self.laterality in ("left", "right") else None
        return self.site, sided, self.side if self.site in TWO_SIDED else None

    @property
    def laterality(self) -> Laterality | None:
        """Left and right are the person's own; the front view of the map faces the reader."""
        if self.x is None:
            return self.told_laterality
        if abs(self.x - MIDLINE) <= MIDDLE and not lies_between(self.site, "middle"):
            return "middle"
        return "left" if (self.x < MIDLINE) == (self.side == "rear") else "right"

    def differs_from(self, told: Context) -> bool:
        """Compare with the place entered with a photo. Missing facts never differ."""
        seen = self.side if self.site in TWO_SIDED else None
        said = told.body_site, told.body_laterality, told.body_side
        pairs = zip(said, (self.site, self.laterality, seen), strict=True)
        return any(one and other and one != other for one, other in pairs)


class Stub(StoredRecord):
    """The remaining level of a deleted finding, without picture or words."""

    id: str
    number: int
    band: Band
    level: Level
    queued_at: datetime | None = None
    covered_by: tuple[str, ...] = ()


class Lesion(StoredRecord):
    """`latest` is the newest finding, or the newest stub if all were deleted; `reminded` is its
    value at the last reminder. A spot started by a photo has the id of its finding.
    """

    id: str
    created_at: datetime
    owner: str
    place: Place | None = None
    name: str | None = None
    findings: int = 0
    latest: str | None = None
    remind_at: datetime | None = None
    reminded: str | None = None
    idempotency_key: str | None = None
    request_hash: str | None = None
    version: int = 0
    photo_wanted_at: datetime | None = None
    message_at: datetime | None = None
    opened_at: datetime | None = None
    telling: Telling | None = None
    opinion: SecondOpinionRequest | None = None
    changed: Changed | None = None
    stubs: tuple[Stub, ...] = optional(default=())

    @property
    def known_place(self) -> Placed:
        return self.place.known if self.place else NOWHERE

    def place_photo(self, photo: JudgedPhoto) -> JudgedPhoto:
        placed, told = self.known_place, photo.place
        if told[0] not in (None, placed[0]):
            return photo
        place = tuple(own or its for own, its in zip(told, placed, strict=True))
        return replace(photo, place=place)


class Lesions(Repository[Lesion]):
    collection, record = "lesions", Lesion
    indexes = (("owner", "id"), ("remind_at", "id"))
    unique = (("owner", "idempotency_key"),)

    def find_other_place(self, lesion: str, told: Context) -> SpokenPlace | None:
        found = self.find(lesion)
        place = found.place if found else None
        place = place if place and place.differs_from(told) else None
        return (place.site, place.laterality, place.side) if place else None

    def by_ids(self, identifiers: Sequence[str]) -> dict[str, Lesion]:
        return {lesion.id: lesion for lesion in self._list({"id": {"$in": [*identifiers]}})}

    def find_by_key(self, owner: str, key: str | None, request_hash: str) -> Lesion | None:
        return self._by_key(key, request_hash, owner=owner)

    def page_owned(
        self, owner: str, paging: PageRequest, *, newest_first: bool = False
    ) -> Page[Lesion]:
        return self._page(_listed(owner), paging, newest_first=newest_first)

    def walk_unchanged(
        self, *, before: datetime, lesion: str | None = None
    ) -> Iterator[tuple[str, str]]:
        """The caller may delete the spots."""
        fields, older = ("owner", "changed"), {"id": {"$lt": first_id_at(before)}}
        spots: Iterable[Document]
        if lesion:
            spots = self._documents.find({"id": lesion}, fields=fields)
        else:
            spots = walk_by_id(self._documents, older, fields=fields)
        for spot in spots:
            changed = spot.get("changed")
            if changed and changed["changed_at"] < before:
                yield spot["id"], spot["owner"]

    def list_of(self, owner: str) -> list[Lesion]:
        return self._list({"owner": owner})

    def list_recent(self, owner: str) -> list[Lesion]:
        """List the newest spots with findings or stubs, the oldest of them first."""
        page = self.page_owned(owner, PageRequest(MOST_RECENT), newest_first=True)
        return page.items[::-1]

    def count_of(self, owner: str) -> int:
        return self._documents.count(_listed(owner))

    def list_due(self, limit: int) -> list[str]:
        due = {"remind_at": {"$lte": now()}}
        documents = self._documents.find(due, sort="remind_at", limit=limit, fields=())
        return [document["id"] for document in documents]

    def change(self, identifier: str, fields: Document) -> Lesion | None:
        """Always write, so that concurrent transactions conflict. None removes a field."""
        return self._read(self.write(identifier, fields))

    def write(self, identifier: str, fields: Document) -> Document | None:
        """Change a spot that may be damaged."""
        ops = {**set_or_remove(fields), "$inc": {"revision": 1}}
        return self._documents.update({"id": identifier}, ops)

    def remove(self, identifier: str) -> None:
        self._documents.delete({"id": identifier})

    def forget(self, owner: str) -> int:
        return self._documents.delete({"owner": owner})

    def owners(self) -> set[str]:
        return set(self._documents.count_by("owner"))


def place_told(context: Context) -> Place | None:
    return Place.from_told(tuple(getattr(context, name) for name in PLACE))


def _listed(owner: str) -> Filter:
    return {"owner": owner, "latest": {"$gt": ""}}
