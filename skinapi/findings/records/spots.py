"""Reads spots as values and stores them after an act, in the caller's transaction."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain

from skinapi.base.errors import NotFound, PresentSpot, RecordDamaged, SpotChanged
from skinapi.findings.errors import NOT_YOURS
from skinapi.findings.records.lesions import Lesion, Stub
from skinapi.findings.records.stored_finding import PLACE, StoredFinding, StoredFindingRow
from skinapi.findings.status.reviews import Review, Reviews
from skinapi.findings.status.spot import (
    Level,
    Spot,
    SpotFinding,
    add,
    instruction,
    mark_told,
    spot_day,
)
from skinapi.findings.status.spot_view import JudgedPhoto, MeasuredChange, SpotView
from skinapi.model.conditions import Band
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.numbers import FINDINGS
from skinapi.platform.storage.ports import Document, Filter, Store, set_or_remove
from skinapi.platform.storage.unreadable import Name, hides_any, is_hidden, read_each, read_one

Act = Callable[[Spot], Spot]
OF_SPOT = ("lesion", "number", "level", "queued_at", "covered_by", "disputed")
SCORE = "malignant_score"
OF_PHOTO = (
    *("created_at", "photo_blob", "changes", "corrected"),
    *(f"context.{it}" for it in PLACE),
    *(f"finding.{SCORE}", "finding.band"),
)
OF_FINDING = (*OF_SPOT, *OF_PHOTO)
TIMES = ("created_at", "queued_at")


class Spots:
    def __init__(self, store: Store) -> None:
        self._lesions, self._findings = store.collection("lesions"), store.collection(FINDINGS)
        self._reviews = store.collection(Reviews.collection)

    def get(self, lesion: str) -> SpotView:
        for parts in self._find_parts([lesion], None):
            return read_one("lesions", parts, _read_whole_spot)
        raise NotFound(NOT_YOURS)

    def read(self, lesions: Iterable[str], *, whole: bool = False) -> dict[str, SpotView]:
        """Read each spot as one record: without a part, it might seem less urgent. `whole` also
        reads fields that this does not need.
        """
        parts = self._find_parts(sorted(set(lesions)), None if whole else OF_FINDING)
        found = read_each("lesions", parts, _read_whole_spot if whole else _read_spot)
        return {view.spot.id: view for view in found}

    def _find_parts(self, lesions: list[str], fields: tuple[str, ...] | None) -> list[Document]:
        """Include reviews of former spots that cover a finding of the spot."""
        if not lesions:
            return []
        wanted: Filter = {"lesion": {"$in": lesions}}
        spots = {spot["id"]: spot for spot in self._lesions.find({"id": {"$in": lesions}})}
        findings = self._findings.find({**wanted, "error": None}, sort="lesion", fields=fields)
        reviews = {item["id"]: item for item in self._reviews.find(wanted, sort="lesion")}
        if former := sorted(set(chain.from_iterable(map(_list_covering, findings))) - {*reviews}):
            reviews |= {it["id"]: it for it in self._reviews.find({"id": {"$in": former}})}
        of_spot: dict[str, list[Document]] = {lesion: [] for lesion in lesions}
        for item in findings:
            of_spot[item["lesion"]].append(item)
        return [
            _gather(lesion, spots.get(lesion), each, reviews)
            for lesion, each in of_spot.items()
            if each or lesion in spots
        ]

    def find_owner(self, lesion: str) -> str | None:
        """Find the owner even if a record of the spot is damaged."""
        findings = self._findings.find({"lesion": lesion}, fields=("owner",))
        named = (item.get("owner") for item in (*self._lesions.find({"id": lesion}), *findings))
        return next((owner for owner in named if isinstance(owner, str)), None)

    def find_having(self, records: Iterable[Name]) -> list[str]:
        """Look up findings as spots, too: a spot started by a photo has the id of its finding."""
        found = set[object]()
        for collection, identifier in records:
            if collection in ("lesions", FINDINGS, "waiting"):
                found.add(identifier.rpartition("-")[2])
            if collection in (FINDINGS, "reviews"):
                stored = self._findings if collection == FINDINGS else self._reviews
                found |= {item.get("lesion") for item in stored.find({"id": identifier})}
        return sorted(it for it in found if isinstance(it, str))

    def note_opened(self, seen: Spot) -> bool:
        """Return False if the spot has changed since it was read; the change stays unread."""
        told = mark_told(seen, at=now(), opened=True)
        opened = set_or_remove({"opened_at": told.opened_at, "telling": told.telling})
        as_seen: Filter = {"id": seen.id, "version": seen.version}
        return self._lesions.update(as_seen, opened) is not None

    def list_of(self, owner: str) -> set[str]:
        return {item["id"] for item in self._lesions.find({"owner": owner}, fields=())}

    def has(self, lesion: str) -> bool:
        return self._lesions.count({"id": lesion}) > 0

    def list_covered(self, owner: str, reviews: Collection[str]) -> set[str]:
        """Find spots in which one of these reviews covers a finding or a stub."""
        if not reviews:
            return set()
        of: Filter = {"owner": owner}
        found = self._findings.find({**of, "error": None}, fields=("lesion", "covered_by"))
        stubs = [
            {**stub, "lesion": spot["id"]}
            for spot in self._lesions.find(of, fields=("stubs",))
            for stub in spot.get("stubs", ())
        ]
        each = [(it["lesion"], it.get("covered_by", ())) for it in (*found, *stubs)]
        return {lesion for lesion, covering in each if not {*covering}.isdisjoint(reviews)}

    def add(self, finding: StoredFinding) -> None:
        """Add a finding that is already stored."""
        stored = self.get(finding.lesion).spot
        others = tuple(item for item in stored.findings if item.id != finding.id)
        self.store(stored, _add(replace(stored, findings=others), finding))

    def change(self, lesion: str, act: Act) -> Spot:
        """Apply an act. This always writes, so that concurrent transactions conflict."""
        before = self.get(lesion).spot
        after = act(before)
        self.store(before, after)
        return after

    def store(self, before: Spot, after: Spot) -> None:
        known = {item.id: item for item in before.findings}
        for item in after.findings:
            if not item.stub and item != known.get(item.id):
                self._findings.update({"id": item.id}, set_or_remove(_level_fields(item)))
        ops = {**set_or_remove(state_of(after)), "$inc": {"revision": 1}}
        self._lesions.update({"id": after.id}, ops)


def view_new_spot(finding: StoredFindingRow) -> SpotView:
    spot = _add(Spot(finding.lesion), finding)
    return SpotView(spot, {finding.id: finding.photo}, {}, finding.owner)


def _add(spot: Spot, finding: StoredFindingRow) -> Spot:
    """A patient who sent the photo has read the answer, but earlier statements stay unread."""
    number, judged, at = finding.number, finding.band, finding.created_at
    added = add(spot, finding.id, number, judged, at=at, former=finding.level)
    if finding.filed_by:
        return added
    opened = spot.opened_at if spot.reviews else at
    return replace(added, telling=added.telling if spot.telling else None, opened_at=opened)


def state_of(spot: Spot) -> Document:
    return {
        "version": spot.version,
        "photo_wanted_at": spot.photo_wanted_at,
        "opened_at": spot.opened_at,
        "telling": spot.telling and spot.telling.stored(),
        "opinion": spot.opinion and spot.opinion.stored(),
        "changed": spot.changed and spot.changed.stored(),
        "stubs": [_make_stub(item) for item in spot.findings if item.stub] or None,
    }


def _level_fields(item: SpotFinding) -> Document:
    return {
        "level": item.level.stored(),
        "queued_at": item.queued_at,
        "covered_by": [*item.covered_by] or None,
        "disputed": item.dispute,
    }


def _make_stub(item: SpotFinding) -> Document:
    return Stub(
        id=item.id,
        number=item.number,
        band=item.judged,
        level=item.level,
        queued_at=item.queued_at,
        covered_by=item.covered_by,
    ).stored()


def _gather(
    lesion: str,
    spot: Document | None,
    findings: Sequence[Document],
    reviews: Mapping[str, Document],
) -> Document:
    covering = {*chain.from_iterable(map(_list_covering, findings))}
    own = [
        item
        for name, item in sorted(reviews.items())
        if name in covering or item.get("lesion") == lesion
    ]
    return {"id": lesion, "spot": spot or {"id": lesion}, "findings": findings, "reviews": own}


def _list_covering(finding: Document) -> list[str]:
    covering = finding.get("covered_by")
    return [it for it in covering if isinstance(it, str)] if isinstance(covering, list) else []


def _read_whole_spot(parts: Document) -> SpotView:
    for item in parts["findings"]:
        read_one(FINDINGS, item, StoredFinding.model_validate)
    return _read_spot(parts)


def _read_spot(parts: Document) -> SpotView:
    lesion = read_one("lesions", parts["spot"], Lesion.model_validate)
    findings = dict(read_one(FINDINGS, item, _read_finding) for item in parts["findings"])
    reviews = [read_one("reviews", item, Review.model_validate) for item in parts["reviews"]]
    passed_over = len(findings) < lesion.findings and hides_any(FINDINGS)
    named = [("lesions", lesion.id), *((FINDINGS, photo.id) for photo in findings)]
    if passed_over or any(is_hidden(*name) for name in named):
        raise RecordDamaged
    return _make_status(lesion, findings, reviews)


def _read_finding(document: Document) -> tuple[JudgedPhoto, SpotFinding]:
    changes = tuple(map(MeasuredChange.model_validate, document.get("changes", ())))
    number, told = document["number"], document.get("context") or {}
    judged = document["finding"]
    score = judged.get(SCORE, 1.0)
    covering = document.get("covered_by") or []
    if not isinstance(number, int):
        raise TypeError("number")
    if not isinstance(score, (float, int)):
        raise TypeError(SCORE)
    if covering != _list_covering(document):
        raise TypeError("covered_by")
    if not all(isinstance(document.get(name), datetime | None) for name in TIMES):
        raise TypeError("times")
    photo = JudgedPhoto(
        document["id"],
        number,
        document["created_at"],
        document.get("photo_blob") is not None,
        changes,
        tuple(told.get(name) for name in PLACE),
        score,
        corrected=bool(document.get("corrected")),
    )
    finding = SpotFinding(
        photo.id,
        number,
        Band(judged["band"]),
        Level.model_validate(document["level"]),
        document.get("queued_at"),
        tuple(covering),
        tuple(change.before for change in changes),
        document.get("disputed"),
    )
    return photo, finding


def _make_status(
    lesion: Lesion,
    findings: Mapping[JudgedPhoto, SpotFinding],
    reviews: Sequence[Review],
) -> SpotView:
    stubs = (
        SpotFinding(
            stub.id, stub.number, stub.band, stub.level, stub.queued_at, stub.covered_by, stub=True
        )
        for stub in lesion.stubs
    )
    each = sorted([*findings.values(), *stubs], key=lambda item: item.number)
    spot = Spot(
        id=lesion.id,
        version=lesion.version,
        findings=tuple(each),
        reviews=tuple(review.for_spot(lesion.id) for review in reviews),
        photo_wanted_at=lesion.photo_wanted_at,
        message_at=lesion.message_at,
        opened_at=lesion.opened_at,
        telling=lesion.telling,
        opinion=lesion.opinion,
        changed=lesion.changed,
    )
    photos = sorted((lesion.place_photo(photo) for photo in findings), key=lambda it: it.number)
    by_id = {review.id: review for review in reviews}
    return SpotView(spot, {photo.id: photo for photo in photos}, by_id, lesion.owner)


def require_spot_version(spot: Spot, seen: int) -> None:
    if seen == spot.version:
        return
    counts, changed = instruction(spot), spot.changed
    level = counts.level if counts else None
    raise SpotChanged(
        PresentSpot(
            version=spot.version,
            urgency=level.urgency if level else None,
            said_by=level.source.value if level else None,
            since=level.set_at if level else None,
            due=spot_day(spot),
            changed_by=changed.act if changed else None,
            changed_at=changed.changed_at if changed else None,
        )
    )
