"""The spots as values: read from the collections of spots, findings and reviews, and stored again
after an act (status/spot.py), in the caller's transaction.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace

from skinapi.base.errors import NotFound, PresentSpot, RecordDamaged, SpotChanged
from skinapi.findings.errors import NOT_YOURS
from skinapi.findings.records.lesions import Lesion, Stub
from skinapi.findings.records.stored_finding import PLACE, StoredFinding, StoredFindingRow, place_of
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
from skinapi.platform.storage.unreadable import hide, is_hidden, read_each

Act = Callable[[Spot], Spot]
OF_SPOT = ("lesion", "number", "band", "level", "queued_at", "covered_by", "disputed")
OF_OPINION = ("opinion_at", "opinion_came_at")
SCORE = "malignant_score"
OF_PHOTO = (
    *("created_at", "photo_blob", "changes", "placed", "corrected"),
    *(f"context.{it}" for it in PLACE),
    f"finding.{SCORE}",
)


class Spots:
    def __init__(self, store: Store, reviews: Reviews) -> None:
        self._lesions, self._findings = store.collection("lesions"), store.collection(FINDINGS)
        self._reviews = reviews

    def get(self, lesion: str) -> SpotView:
        """Raises RecordDamaged if a record of the spot cannot be read."""
        found = self.read([lesion]).get(lesion)
        if found is None:
            if is_hidden("lesions", lesion):
                raise RecordDamaged
            raise NotFound(NOT_YOURS)
        return found

    def read(self, lesions: Iterable[str]) -> dict[str, SpotView]:
        """A request that only reads sees none of a spot of which a record cannot be read."""
        wanted = sorted(set(lesions))
        if not wanted:
            return {}
        stored = self._lesions.find({"id": {"$in": wanted}})
        spots = {spot.id: spot for spot in read_each("lesions", stored, Lesion.model_validate)}
        documents: dict[str, list[Document]] = {}
        of: Filter = {"lesion": {"$in": wanted}, "error": None}
        fields = (*OF_SPOT, *OF_OPINION, *OF_PHOTO)
        for item in self._findings.find(of, sort="lesion", fields=fields):
            documents.setdefault(item["lesion"], []).append(item)
        reviews = self._read_reviews(wanted, documents)
        found: dict[str, SpotView] = {}
        for lesion in wanted:
            each = documents.get(lesion, [])
            findings = dict(read_each(FINDINGS, each, _read_finding))
            hidden = is_hidden("lesions", lesion)
            if lesion not in spots or hidden or any(is_hidden(FINDINGS, it["id"]) for it in each):
                _hide_spot(lesion, each)
            else:
                found[lesion] = _make_status(spots[lesion], findings, reviews)
        return found

    def _read_reviews(
        self, lesions: list[str], documents: Mapping[str, list[Document]]
    ) -> Mapping[str, Review]:
        """Also those of former spots that cover a finding of these."""
        known = {review.id: review for review in self._reviews.list_of_spots(lesions)}
        covering = {
            review
            for each in documents.values()
            for item in each
            for review in item.get("covered_by", ())
        }
        former = self._reviews.list_by_ids(sorted(covering - known.keys()))
        return {**known, **{review.id: review for review in former}}

    def note_opened(self, seen: Spot) -> bool:
        """The patient has opened the spot, one of its findings or its report. What has come since
        it was read stays unread: False.
        """
        told = mark_told(seen, at=now(), opened=True)
        opened = set_or_remove({"opened_at": told.opened_at, "telling": told.telling})
        as_seen: Filter = {"id": seen.id, "version": seen.version}
        return self._lesions.update(as_seen, opened) is not None

    def lock_of(self, owner: str) -> set[str]:
        """List the spots of an account. Another transaction that changes one of them conflicts."""
        self._lesions.update_all({"owner": owner}, {"$inc": {"revision": 1}})
        return self.list_of(owner)

    def list_of(self, owner: str) -> set[str]:
        return {item["id"] for item in self._lesions.find({"owner": owner}, fields=())}

    def has(self, lesion: str) -> bool:
        return self._lesions.count({"id": lesion}) > 0

    def list_covered(self, owner: str, reviews: Collection[str]) -> set[str]:
        """List the spots in which one of these reviews covers a finding, or what is left of one."""
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
        """Store that a finding which is stored already has come to its spot."""
        stored = self.get(finding.lesion).spot
        others = tuple(item for item in stored.findings if item.id != finding.id)
        self.store(stored, _add(replace(stored, findings=others), finding))

    def change(self, lesion: str, act: Act) -> Spot:
        """Store the spot as it is after an act, in the caller's transaction. It always writes, so
        that of two transactions about one spot one conflicts.
        """
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
    """View a finding as the only one of its spot: a new one, or one that was entered in error."""
    spot = _add(Spot(finding.lesion), finding)
    return SpotView(spot, {finding.id: finding.photo}, {}, finding.owner)


def _add(spot: Spot, finding: StoredFindingRow) -> Spot:
    """A patient who has sent the photo reads the answer. What was said of the spot before stays
    unread.
    """
    number, judged, at = finding.number, finding.band, finding.created_at
    added = add(spot, finding.id, number, judged, at=at, former=finding.level)
    if finding.filed_by:
        return added
    opened = spot.opened_at if spot.reviews else at
    return replace(added, telling=added.telling if spot.telling else None, opened_at=opened)


def state_of(spot: Spot) -> Document:
    """What is stored with the spot itself."""
    return {
        "version": spot.version,
        "photo_wanted_at": spot.photo_wanted_at,
        "opened_at": spot.opened_at,
        "telling": spot.telling and spot.telling.stored(),
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


def _hide_spot(lesion: str, each: Iterable[Document]) -> None:
    hide("lesions", lesion)
    for item in each:
        hide(FINDINGS, item["id"])


def _read_finding(document: Document) -> tuple[JudgedPhoto, SpotFinding]:
    changes = tuple(map(MeasuredChange.model_validate, document.get("changes", ())))
    number, told = document["number"], document.get("context") or {}
    score = (document.get("finding") or {}).get(SCORE, 1.0)
    if not isinstance(number, int):
        raise TypeError("number")
    if not isinstance(score, (float, int)):
        raise TypeError(SCORE)
    photo = JudgedPhoto(
        document["id"],
        number,
        document["created_at"],
        document.get("photo_blob") is not None,
        changes,
        place_of([told.get(name) for name in PLACE], document.get("placed")),
        score,
        corrected=bool(document.get("corrected")),
    )
    finding = SpotFinding(
        photo.id,
        number,
        Band(document["band"]),
        Level.model_validate(document["level"]),
        document.get("queued_at"),
        tuple(document.get("covered_by", ())),
        tuple(change.before for change in changes),
        document.get("disputed"),
        opinion_asked_at=document.get("opinion_at") or document.get("opinion_came_at"),
        opinion_came=document.get("opinion_came_at") is not None,
    )
    return photo, finding


def _make_status(
    lesion: Lesion,
    findings: Mapping[JudgedPhoto, SpotFinding],
    reviews: Mapping[str, Review],
) -> SpotView:
    stubs = (
        SpotFinding(
            stub.id, stub.number, stub.band, stub.level, stub.queued_at, stub.covered_by, stub=True
        )
        for stub in lesion.stubs
    )
    each = sorted([*findings.values(), *stubs], key=lambda item: item.number)
    covering = {review for item in each for review in item.covered_by}
    own = {
        name: review
        for name, review in sorted(reviews.items())
        if name in covering or review.lesion == lesion.id
    }
    spot = Spot(
        id=lesion.id,
        version=lesion.version,
        findings=tuple(each),
        reviews=tuple(review.for_spot(lesion.id) for review in own.values()),
        photo_wanted_at=lesion.photo_wanted_at,
        message_at=lesion.message_at,
        opened_at=lesion.opened_at,
        telling=lesion.telling,
        changed=lesion.changed,
    )
    photos = sorted(findings, key=lambda photo: photo.number)
    return SpotView(spot, {photo.id: photo for photo in photos}, own, lesion.owner)


def require_spot_version(spot: Spot, seen: int) -> None:
    """Raises SpotChanged if the spot has another version than the one that the doctor has seen."""
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
