"""An index of what each spot waits for. Each row is written in the transaction that changes its
spot (`FindingRecords.renew_waiting`). The owner's account decides who may see a spot.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from itertools import chain
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
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Document, Filter, set_or_remove
from skinapi.platform.storage.records import Repository

MOST_OVERDUE = 1000
# The urgency of a spot without findings and of messages about no spot.
WITHOUT_INSTRUCTION = Band.DOCTOR_REVIEW
STEPS = 800  # of the malignant score, an eighth of a percent each


class WaitingSpot(StoredRecord):
    """Without a `lesion`, it is an unanswered message about no spot. `finding` is the finding to
    open for it, if any. `queued` marks the row that places the spot in the doctor's queue, which is
    sorted by `urgency_key`: urgency, malignant score, due time. A visit has none, because it is up
    to the patient.
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
    queued: bool = False
    colleague: str | None = None

    @property
    def overdue(self) -> bool:
        return self.key < key_at(now())


def key_at(moment: datetime) -> str:
    return f"{int(moment.timestamp() * 1000):013d}"


def list_rows(view: SpotView, owner: Account) -> list[WaitingSpot]:
    """The photos of a system's own account wait for nobody."""
    if owner.machine:
        return []
    spot, queued, asked = view.spot, _find_queued(view.spot), _find_urgency(view.spot)
    waits = [
        (item, _find_to_open(spot, item.kind)) for item in waiting(spot, can_read=can_read(owner))
    ]
    return [
        _make_row(
            item,
            owner,
            asked,
            spot=spot,
            finding=finding,
            place=_rank_score(view, finding),
            queued=item.kind is queued,
        )
        for item, finding in waits
    ]


def list_damaged_rows(
    lesion: str, owner: Account | None, stored: Sequence[WaitingSpot]
) -> list[WaitingSpot]:
    """Such a spot waits for an urgent review in addition to its stored rows. An owner who cannot be
    read has no queue.
    """
    if owner is None:
        return [*stored]
    if owner.machine:
        return []
    others = [row for row in stored if row.kind is not WaitingKind.REVIEW]
    since = next((row.began_at for row in stored if row.kind is WaitingKind.REVIEW), now())
    asked, spot = Band.URGENT_REFERRAL, Spot(lesion)
    review = _make_row(wait_damaged(since), owner, asked, spot=spot, queued=True)
    return [*(row.model_copy(update={"queued": False}) for row in others), review]


def make_message_row(owner: Account, since: datetime) -> WaitingSpot:
    [item] = waiting(Spot(owner.id, message_at=since), can_read=can_read(owner))
    return _make_row(item, owner, WITHOUT_INSTRUCTION)


def _make_row(
    item: Waiting,
    owner: Account,
    asked: Band,
    *,
    spot: Spot | None = None,
    finding: str | None = None,
    place: int = 0,
    queued: bool = False,
) -> WaitingSpot:
    about = spot.id if spot else owner.id
    opinion = spot.opinion if spot and item.kind is WaitingKind.OPINION else None
    key = f"{key_at(item.due_at)}{about}"
    by_urgency = f"{urgency(asked)}{place:03d}{key}"
    return WaitingSpot(
        id=f"{item.kind}-{about}",
        kind=item.kind,
        owner=owner.id,
        doctor=owner.doctor_id,
        lesion=spot.id if spot else None,
        spot_version=spot.version if spot else None,
        finding=finding,
        urgency=asked,
        began_at=item.began_at,
        due_at=item.due_at,
        key=key,
        urgency_key=None if item.kind is WaitingKind.VISIT else by_urgency,
        queued=queued,
        colleague=opinion.colleague if opinion else None,
    )


def _rank_score(view: SpotView, finding: str | None) -> int:
    """The highest malignant score comes first. An unknown score counts as the highest."""
    photo = None if view.open_stub else view.photos.get(finding or "")
    score = photo.malignant_score if photo else 1.0
    return STEPS - 1 - min(int(score * STEPS), STEPS - 1)


def _find_queued(spot: Spot) -> WaitingKind | None:
    if spot.is_open:
        return WaitingKind.REVIEW
    came = spot.opinion is not None and spot.opinion.came_at is not None
    return WaitingKind.OPINION if came else None


def _find_urgency(spot: Spot) -> Band:
    if counts := instruction(spot):
        return counts.level.urgency
    if spot.telling:
        return Band.URGENT_REFERRAL if spot.telling.grave else Band.REFERRAL
    return WITHOUT_INSTRUCTION


def _find_to_open(spot: Spot, kind: WaitingKind) -> str | None:
    """Return the most urgent finding that waits for this, otherwise the finding of the instruction,
    or the newest. A stub cannot be opened.
    """
    there = [item for item in spot.findings if not item.stub]
    named, counts = list[SpotFinding](), instruction(spot)
    if kind is WaitingKind.REVIEW:
        named = [item for item in there if item.queued_at]
    elif kind is WaitingKind.OPINION and spot.opinion:
        named = [item for item in there if item.number == spot.opinion.number]
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
        ("doctor", "queued", "urgency_key", "id"),
        ("kind", "key", "id"),
        ("colleague", "urgency_key", "id"),
    )

    def page(
        self, kind: WaitingKind, doctor: str, *, overdue: bool, paging: PageRequest
    ) -> Page[WaitingSpot]:
        within = {"$gt": paging.after or "", **({"$lt": key_at(now())} if overdue else {})}
        wanted: Filter = {"doctor": doctor, "kind": kind, "key": within}
        found = self._documents.find(wanted, sort="key", limit=paging.limit + 1)
        return page_of(found, paging, by="key").map_all(self._read_each)

    def page_queue(
        self, doctor: str, *, urgency: Band | None, paging: PageRequest
    ) -> Page[WaitingSpot]:
        behind = {"urgency_key": {"$gt": paging.after or ""}}
        wanted: Filter = {"doctor": doctor, "queued": True, **behind}
        of = {**wanted, "urgency": urgency} if urgency else wanted
        found = self._documents.find(of, sort="urgency_key", limit=paging.limit + 1)
        return page_of(found, paging, by="urgency_key").map_all(self._read_each)

    def count_queue(self, doctor: str) -> Counter[Band]:
        counted = self._documents.count_by("urgency", {"doctor": doctor, "queued": True})
        return Counter({Band(name): count for name, count in counted.items()})

    def order_owners(self, doctor: str) -> dict[str, str]:
        """Return each patient's first key in the doctor's queue, in the order of the queue."""
        of: Filter = {"doctor": doctor, "queued": True}
        rows = self._documents.find(of, sort="urgency_key", fields=("owner", "urgency_key"))
        keys: dict[str, str] = {}
        for row in rows:
            keys.setdefault(row["owner"], row["urgency_key"])
        return keys

    def list_asked(self, colleague: str) -> list[WaitingSpot]:
        return self._list({"colleague": colleague}, sort="urgency_key")

    def find_colleague(self, lesion: str) -> str | None:
        row = self.find(f"{WaitingKind.OPINION}-{lesion}")
        return row.colleague if row else None

    def list_queued(self, doctor: str, lesions: Collection[str]) -> list[WaitingSpot]:
        rows = self.list_of("lesion", lesions)
        return [row for row in rows if row.doctor == doctor and row.queued]

    def count_by(
        self, field: Literal["owner", "doctor"], ids: Collection[str]
    ) -> dict[str, dict[WaitingKind, int]]:
        counts: dict[str, dict[WaitingKind, int]] = {}
        for kind in WaitingKind if ids else ():
            wanted: Filter = {field: {"$in": sorted(ids)}, "kind": kind}
            for item, count in self._documents.count_by(field, wanted).items():
                counts.setdefault(item, {})[kind] = count
        return counts

    def count_urgent_by(
        self, field: Literal["owner", "doctor"], ids: Collection[str]
    ) -> dict[str, int]:
        wanted: Filter = {field: {"$in": sorted(ids)}, "kind": WaitingKind.REVIEW}
        of = {**wanted, "urgency": Band.URGENT_REFERRAL}
        return self._documents.count_by(field, of) if ids else {}

    def count_kinds(self, doctor: str) -> dict[WaitingKind, tuple[int, int]]:
        """Return the total and the overdue count for each kind."""
        of: Filter = {"doctor": doctor}
        count = self._documents.count_by("kind", of)
        overdue = self._documents.count_by("kind", {**of, "key": {"$lt": key_at(now())}})
        return {kind: (count.get(kind, 0), overdue.get(kind, 0)) for kind in WaitingKind}

    def count_overdue(self) -> dict[WaitingKind, Counter[str | None]]:
        """Count overdue rows by doctor (None: nobody), at most MOST_OVERDUE of each kind."""
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

    def list_of_doctors(self, doctors: Iterable[str | None], *, limit: int) -> list[WaitingSpot]:
        """None in `doctors` stands for patients without a doctor. Visits are left out."""
        first: Filter = {"urgency_key": {"$gt": ""}}
        each = (
            self._list({"doctor": doctor, **first}, sort="urgency_key", limit=limit)
            for doctor in doctors
        )
        return sorted(chain.from_iterable(each), key=lambda row: row.urgency_key or "")[:limit]

    def list_of(self, field: Literal["owner", "lesion"], ids: Iterable[str]) -> list[WaitingSpot]:
        wanted = sorted({*ids})
        return self._list({field: {"$in": wanted}}, sort=field) if wanted else []

    def lesions_of(self, owner: str) -> set[str]:
        stored = self._documents.find({"owner": owner}, fields=("lesion",))
        return {row["lesion"] for row in stored if row.get("lesion")}

    def replace(self, lesions: Collection[str], rows: Sequence[WaitingSpot]) -> None:
        wanted = sorted({*lesions})
        stored = self._documents.find({"lesion": {"$in": wanted}}, sort="lesion") if wanted else []
        known = {document["id"]: document for document in stored}
        self._replace(known, rows)

    def find_message(self, owner: str) -> datetime | None:
        row = self.find(f"{WaitingKind.ANSWER}-{owner}")
        return row.began_at if row else None

    def set_message(self, owner: str, row: WaitingSpot | None) -> None:
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

    def forget(self, owner: str) -> None:
        self._documents.delete({"owner": owner})

    def owners(self) -> set[str]:
        return set(self._documents.count_by("owner"))
