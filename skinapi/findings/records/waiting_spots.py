"""What each spot waits for, stored as an index: `waiting` (status/waiting.py) says it, and the
lists of doctors, patients and admins are queries over it.

A row is written in the transaction that changes its spot (`FindingRecords.renew_waiting`). It only
orders and counts: who may see a spot is decided by the owner's account (read_access.py).
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Literal

from skinapi.accounts.auth.account import Account
from skinapi.base.pages import Page, PageRequest, page_of
from skinapi.base.stored_record import StoredRecord
from skinapi.findings.records.read_access import can_read
from skinapi.findings.status.spot import Spot, SpotFinding, instruction
from skinapi.findings.status.spot_view import SpotView
from skinapi.findings.status.waiting import Waiting, WaitingKind, wait_damaged, waiting
from skinapi.model.bands import urgency
from skinapi.model.conditions import Band
from skinapi.platform.storage.documents import walk_values
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Document, Filter, set_or_remove
from skinapi.platform.storage.records import Repository

MOST_OVERDUE = 1000
# A spot without findings has no instruction; a message about no spot is about none.
WITHOUT_INSTRUCTION = Band.DOCTOR_REVIEW
FIRST, AFTER_FIRST = "0", "1"
STEPS = 800  # of the malignant score, an eighth of a percent each
IN_QUEUE: Filter = {"queue_key": {"$gt": ""}}


class WaitingSpot(StoredRecord):
    """One kind of thing that a spot waits for. `doctor` is the doctor of its `owner`; `finding` is
    the id of the finding that a doctor opens for it, None if the spot has none.

    The `key` sorts what is due first to the front: milliseconds until `due_at` (13 digits), and the
    id of the spot. `urgency_key` is the rank of the urgency and the key, and None of a visit, which
    is up to the patient. `queue_key` puts one row of each spot into the queue of its doctor: first
    the spots about which an opinion has come or another system disputes a finding, in the order in
    which they are due, then the others that are open: by urgency, within one by the malignant score
    of the `finding`, then as they are due. `spot_version` is the version of the spot that says so.
    Without a `lesion` it is an unanswered message about no spot.
    """

    id: str
    kind: WaitingKind
    owner: str
    doctor: str | None = None
    lesion: str | None = None
    spot_version: int | None = None
    finding: str | None = None
    urgency: Band
    began_at: datetime
    due_at: datetime
    key: str
    urgency_key: str | None = None
    queue_key: str | None = None

    @property
    def overdue(self) -> bool:
        return self.key < key_at(now())

    @property
    def needs_doctor(self) -> bool:
        """Whether a doctor has to act. Without a doctor in charge, only an urgent review does."""
        if self.kind is WaitingKind.REVIEW:
            return self.doctor is not None or self.urgency is Band.URGENT_REFERRAL
        return self.kind in (WaitingKind.RESULT, WaitingKind.OPINION)


def key_at(moment: datetime) -> str:
    """The keys of what was due before sort before it."""
    return f"{int(moment.timestamp() * 1000):013d}"


def list_rows(status: SpotView, owner: Account) -> list[WaitingSpot]:
    """List what the spot of this patient waits for."""
    spot = status.spot
    asked = _find_urgency(spot)
    rows = [
        _make_row(item, owner, asked, spot=spot) for item in waiting(spot, can_read=can_read(owner))
    ]
    return [row.model_copy(update={"queue_key": _make_queue_key(row, status)}) for row in rows]


def _make_queue_key(row: WaitingSpot, status: SpotView) -> str | None:
    spot = status.spot
    first = any(map(_is_first, spot.findings))
    queued = WaitingKind.REVIEW if spot.is_open else WaitingKind.OPINION if first else None
    if row.kind is not queued:
        return None
    if first:
        return f"{FIRST}{row.key}"
    photo = status.photos.get(row.finding or "")
    score = 1.0 if photo is None or status.open_stub else photo.malignant_score
    place = STEPS - 1 - min(int(score * STEPS), STEPS - 1)
    return f"{AFTER_FIRST}{urgency(row.urgency)}{place:03d}{row.key}"


def _is_first(item: SpotFinding) -> bool:
    return not item.stub and (item.opinion_came or item.dispute is not None)


def list_damaged_rows(
    lesion: str, owner: Account | None, stored: Sequence[WaitingSpot]
) -> list[WaitingSpot]:
    """List what a spot of which a record cannot be read waits for: for an urgent review, and for
    what it did before. An owner who cannot be read has no queue.
    """
    if owner is None:
        return [*stored]
    others = [row for row in stored if row.kind is not WaitingKind.REVIEW]
    since = next((row.began_at for row in stored if row.kind is WaitingKind.REVIEW), now())
    row = _make_row(wait_damaged(since), owner, Band.URGENT_REFERRAL, spot=Spot(lesion))
    first = f"{AFTER_FIRST}{urgency(row.urgency)}{0:03d}{row.key}"
    return [*others, row.model_copy(update={"queue_key": first})]


def make_message_row(owner: Account, since: datetime) -> WaitingSpot:
    """An unanswered message about no spot."""
    [item] = waiting(Spot(owner.id, message_at=since), can_read=can_read(owner))
    return _make_row(item, owner, WITHOUT_INSTRUCTION)


def _make_row(
    item: Waiting,
    owner: Account,
    asked: Band,
    *,
    spot: Spot | None = None,
) -> WaitingSpot:
    about = spot.id if spot else owner.id
    key = f"{key_at(item.due_at)}{about}"
    return WaitingSpot(
        id=f"{item.kind}-{about}",
        kind=item.kind,
        owner=owner.id,
        doctor=owner.doctor_id,
        lesion=spot.id if spot else None,
        spot_version=spot.version if spot else None,
        finding=_find_to_open(spot, item.kind) if spot else None,
        urgency=asked,
        began_at=item.began_at,
        due_at=item.due_at,
        key=key,
        urgency_key=None if item.kind is WaitingKind.VISIT else f"{urgency(asked)}{key}",
    )


def _find_urgency(spot: Spot) -> Band:
    if counts := instruction(spot):
        return counts.level.urgency
    if spot.telling:
        return Band.URGENT_REFERRAL if spot.telling.grave else Band.REFERRAL
    return WITHOUT_INSTRUCTION


def _find_to_open(spot: Spot, kind: WaitingKind) -> str | None:
    """The most urgent finding of which this is waited for, and of equally urgent ones the newest.
    One about which an opinion has come is first. Else that of the instruction, or the newest. What
    is left of a deleted finding cannot be opened.
    """
    there = [item for item in spot.findings if not item.stub]
    of_kind = {WaitingKind.REVIEW: "queued_at", WaitingKind.OPINION: "opinion_asked_at"}
    field = of_kind.get(kind)
    named = [item for item in there if field and getattr(item, field)]
    named = [item for item in there if field and _is_first(item)] or named
    counts = instruction(spot)
    named = named or [item for item in there if item == counts] or there[-1:]
    return min(reversed(named), key=lambda item: item.rank).id if named else None


class WaitingSpots(Repository[WaitingSpot]):
    collection, record = "waiting", WaitingSpot
    indexes = (
        ("lesion", "id"),
        ("owner", "id"),
        ("owner", "kind"),
        ("doctor", "id"),
        ("doctor", "kind", "key", "id"),
        ("doctor", "urgency_key", "id"),
        ("doctor", "queue_key", "id"),
        ("kind", "key", "id"),
    )

    def page(
        self, kind: WaitingKind, doctor: str, *, overdue: bool, paging: PageRequest
    ) -> Page[WaitingSpot]:
        """Page what is due first to the front. Pages continue behind a key."""
        within = {"$gt": paging.after or "", **({"$lt": key_at(now())} if overdue else {})}
        wanted: Filter = {"doctor": doctor, "kind": kind, "key": within}
        found = self._documents.find(wanted, sort="key", limit=paging.limit + 1)
        return page_of(found, paging, by="key").map_all(self._read_each)

    def page_queue(
        self, doctor: str, *, urgency: Band | None, paging: PageRequest
    ) -> Page[WaitingSpot]:
        """Page the spots that the doctor is to review, one row of each."""
        wanted: Filter = {"doctor": doctor, "queue_key": {"$gt": paging.after or ""}}
        of = {**wanted, "urgency": urgency} if urgency else wanted
        found = self._documents.find(of, sort="queue_key", limit=paging.limit + 1)
        return page_of(found, paging, by="queue_key").map_all(self._read_each)

    def count_queue(self, doctor: str) -> Counter[Band]:
        """Count the spots in the doctor's queue by urgency."""
        counted = self._documents.count_by("urgency", {"doctor": doctor, **IN_QUEUE})
        return Counter({Band(name): count for name, count in counted.items()})

    def order_owners(self, doctor: str) -> dict[str, str]:
        """Return the first key in the doctor's queue of each patient, in the order of the queue."""
        of: Filter = {"doctor": doctor, **IN_QUEUE}
        rows = self._documents.find(of, sort="queue_key", fields=("owner", "queue_key"))
        keys: dict[str, str] = {}
        for row in rows:
            keys.setdefault(row["owner"], row["queue_key"])
        return keys

    def list_queued(self, doctor: str, lesions: Collection[str]) -> list[WaitingSpot]:
        """List those of these spots that are in the doctor's queue."""
        rows = self.list_of("lesion", lesions)
        return [row for row in rows if row.doctor == doctor and row.queue_key]

    def count_by(
        self, field: Literal["owner", "doctor"], ids: Collection[str]
    ) -> dict[str, dict[WaitingKind, int]]:
        """Count what each of these patients, or of these doctors' patients, waits for."""
        counts: dict[str, dict[WaitingKind, int]] = {}
        for kind in WaitingKind if ids else ():
            wanted: Filter = {field: {"$in": sorted(ids)}, "kind": kind}
            for item, count in self._documents.count_by(field, wanted).items():
                counts.setdefault(item, {})[kind] = count
        return counts

    def count_urgent_by(
        self, field: Literal["owner", "doctor"], ids: Collection[str]
    ) -> dict[str, int]:
        """Count those that wait for a review and ask for a doctor this week."""
        wanted: Filter = {field: {"$in": sorted(ids)}, "kind": WaitingKind.REVIEW}
        of = {**wanted, "urgency": Band.URGENT_REFERRAL}
        return self._documents.count_by(field, of) if ids else {}

    def count_kinds(self, doctor: str) -> dict[WaitingKind, tuple[int, int]]:
        """Count what waits for this doctor, and how much of it is overdue."""
        of: Filter = {"doctor": doctor}
        count = self._documents.count_by("kind", of)
        overdue = self._documents.count_by("kind", {**of, "key": {"$lt": key_at(now())}})
        return {kind: (count.get(kind, 0), overdue.get(kind, 0)) for kind in WaitingKind}

    def count_overdue(self) -> dict[WaitingKind, Counter[str | None]]:
        """Count what is overdue by doctor in charge, None: nobody; MOST_OVERDUE of each kind."""
        late = {"$lt": key_at(now())}
        return {
            kind: Counter(
                row.get("doctor")
                for row in self._documents.find(
                    {"kind": kind, "key": late}, sort="key", limit=MOST_OVERDUE, fields=("doctor",)
                )
            )
            for kind in WaitingKind
        }

    def list_of_doctor(self, doctor: str | None, *, limit: int) -> list[WaitingSpot]:
        """List what waits of the patients of this doctor, or of nobody, but visits: the most urgent
        first, then what is due first.
        """
        wanted: Filter = {"doctor": doctor, "urgency_key": {"$gt": ""}}
        return self._list(wanted, sort="urgency_key", limit=limit)

    def list_of(self, field: Literal["owner", "lesion"], ids: Iterable[str]) -> list[WaitingSpot]:
        wanted = sorted({*ids})
        return self._list({field: {"$in": wanted}}, sort=field) if wanted else []

    def lesions_of(self, owner: str) -> set[str]:
        stored = self._documents.find({"owner": owner}, fields=("lesion",))
        return {row["lesion"] for row in stored if row.get("lesion")}

    def replace(self, lesions: Collection[str], rows: Sequence[WaitingSpot]) -> None:
        """Store these rows of these spots in place of what is stored, and write what differs."""
        wanted = sorted({*lesions})
        stored = self._documents.find({"lesion": {"$in": wanted}}, sort="lesion") if wanted else []
        known = {document["id"]: document for document in stored}
        self._replace(known, rows)

    def find_message(self, owner: str) -> datetime | None:
        """Since when a message of this patient about no spot has no answer."""
        row = self.find(f"{WaitingKind.ANSWER}-{owner}")
        return row.began_at if row else None

    def set_message(self, owner: str, row: WaitingSpot | None) -> None:
        """Store whether the patient has written something about no spot that has no answer."""
        known = self._documents.find({"id": f"{WaitingKind.ANSWER}-{owner}"})
        self._replace({document["id"]: document for document in known}, [row] if row else [])

    def _replace(self, known: dict[str, Document], rows: Sequence[WaitingSpot]) -> None:
        for row in rows:
            before, after = known.pop(row.id, None), row.stored()
            if before is None:
                self.insert(row)
                continue
            changed = {name: it for name, it in after.items() if it != before.get(name)}
            if changed:
                self._documents.update({"id": row.id}, set_or_remove(changed))
        if known:
            self._documents.delete({"id": {"$in": sorted(known)}})

    def end(self, kind: WaitingKind, lesion: str) -> None:
        self._documents.delete({"id": f"{kind}-{lesion}"})

    def set_doctor(self, owner: str, doctor: str | None) -> None:
        self._documents.update_all({"owner": owner}, set_or_remove({"doctor": doctor}))

    def release(self, doctor: str) -> None:
        self._documents.update_all({"doctor": doctor}, {"$unset": {"doctor": True}})

    def walk_doctors(self) -> Iterator[str]:
        return walk_values(self._documents, "doctor")

    def list_owners_of(self, doctor: str) -> set[str]:
        return {*self._documents.count_by("owner", {"doctor": doctor})}

    def forget(self, owner: str) -> None:
        self._documents.delete({"owner": owner})

    def owners(self) -> set[str]:
        return set(self._documents.count_by("owner"))
