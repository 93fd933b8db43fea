"""A level is the urgency by which 2.0.0 sorted the finding, with the day that it displayed. A
review covers its finding and the others that its doctor saw. If reviews disagree or data is
missing, the most urgent counts and the finding is open.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from skinapi.findings.status.spot import (
    Act,
    Changed,
    Level,
    LevelSource,
    Telling,
    days_until_visit,
    is_urgent,
    names_cancer,
)
from skinapi.model.bands import most_urgent, urgency
from skinapi.model.conditions import Band
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.numbers import FINDING, FINDINGS
from skinapi.platform.storage.ports import Document, Filter, Store, set_or_remove

# Fields of 2.0.0 that are no longer read.
OF_FINDING = ("opened_at",)
OF_REVIEW = ("saw", "version")
OF_LETTER = ("written_of", "begins", "elsewhere", "last_review", "misplaced_at")
OF_REPORT = ("version", "contents")
RESULT, PHOTO = "10", "11"
# An earlier review must still be communicated only if a doctor was asked to, or if the spot was
# never opened.
RECENT = timedelta(days=30)
UNREVIEWED = ("unreviewed", "unjudged", "unreadable")
Event = tuple[datetime, Act]


@dataclass(frozen=True, slots=True)
class _Former:
    """`reviews` are in order of signing, `events` in order of time."""

    findings: Sequence[Document]
    reviews: Sequence[Document]
    events: Sequence[Event]

    def version_at(self, moment: datetime) -> int:
        return sum(changed_at <= moment for changed_at, _ in self.events)

    def awaited_since(self, kind: str) -> list[datetime]:
        keys = (item.get("awaited_key") or "" for item in self.findings)
        return [_read_time(key) for key in keys if key.startswith(kind)]


def level_spot(store: Store, lesion: Document) -> None:
    """Call it in a transaction after all reviews were restated."""
    wanted: Filter = {"lesion": {"$in": [lesion["id"]]}}
    documents = store.collection(FINDINGS).find(wanted, sort="lesion")
    if not documents or "level" in documents[0]:
        return
    of: Filter = {FINDING: {"$in": [item["id"] for item in documents]}}
    reviews, letters, reports = (
        sorted(store.collection(name).find(of, sort=FINDING), key=lambda item: str(item["id"]))
        for name in ("reviews", "letters", "reports")
    )
    findings = [item for item in documents if not item.get("error")]
    covering = [item for item in reviews if any(_covers(item, finding) for finding in findings)]
    events = sorted(_list_events(documents, covering, letters))
    former = _Former(findings, covering, events)
    for item in reviews:
        _level_review(store, item, lesion["id"], former)
    for item in letters:
        version = former.version_at(item.get("signed_at") or item["created_at"])
        _change(store, "letters", item, OF_LETTER, spot_version=version)
    for item in reports:
        said, version = item.get("contents") or {}, former.version_at(item["created_at"])
        also = {"spot_version": version, "letters": said.get("letters") or None}
        _change(store, "reports", item, OF_REPORT, **also)
    for item in documents:
        _level_finding(store, item, former)
    _store_state(store, lesion, former)


def _list_events(
    findings: Sequence[Document], reviews: Sequence[Document], letters: Sequence[Document]
) -> Iterable[Event]:
    for item in findings:
        yield item["created_at"], Act.ADDED
        if judged_at := item.get("judged_at"):
            yield judged_at, Act.CORRECTED if item.get("corrected") else Act.JUDGED
        if error := item.get("error"):
            yield error["entered_at"], Act.IN_ERROR
    for item in reviews:
        yield item["created_at"], Act.SIGNED
    # A letter records if the place of its spot was corrected.
    moments = {item["misplaced_at"] for item in letters if item.get("misplaced_at")}
    yield from ((moment, Act.PLACED) for moment in moments)


def _change(
    store: Store, name: str, item: Document, retired: Sequence[str], **fields: object
) -> None:
    change = set_or_remove({**fields, **dict.fromkeys(retired)})
    store.collection(name).update({"id": item["id"]}, change)


def _level_review(store: Store, review: Document, lesion: str, former: _Former) -> None:
    version, opinion = former.version_at(review["created_at"]), review["opinion"]
    if review in former.reviews[-1:] and former.awaited_since(RESULT):
        opinion = {**opinion, "sample": "waiting"}
    fields = {"lesion": lesion, "spot_version": version, "opinion": opinion}
    _change(store, "reviews", review, OF_REVIEW, **fields)


def _level_finding(store: Store, finding: Document, former: _Former) -> None:
    covering = [item for item in former.reviews if _covers(item, finding)]
    level, is_open = _find_level(finding, covering, former)
    fields = {
        "level": level.stored(),
        "queued_at": level.set_at if is_open and not finding.get("error") else None,
        "covered_by": [item["id"] for item in covering] or None,
    }
    _change(store, FINDINGS, finding, OF_FINDING, **fields)


def _find_level(
    finding: Document, covering: Sequence[Document], former: _Former
) -> tuple[Level, bool]:
    """Keep the urgency that a finding had in the queue and by its own review."""
    key = finding.get("queue_key") or ""
    # Its digits state if the finding was reviewed, then the rank of its urgency.
    decided = key >= "1"
    sorted_by = tuple(Band)[int(key[1])] if key else Band(finding["band"])
    said = [item for item in covering if decided or item[FINDING] == finding["id"]]
    asked = most_urgent(sorted_by, *map(_asks, said[-1:]))
    review = next((item for item in reversed(said) if _asks(item) is asked), None)
    judged_at = finding.get("judged_at") or finding["created_at"]
    compared = asked is not Band(finding["band"]) and finding.get("changes")
    by_photo = LevelSource.COMPARISON if compared else LevelSource.MODEL
    set_at = review["created_at"] if review else judged_at
    level = Level(
        urgency=asked,
        source=LevelSource.REVIEW if review else by_photo,
        set_at=set_at,
        day=_find_day(finding, asked, set_at),
        review=review["id"] if review else None,
    )
    milder = any(urgency(_asks(item)) > urgency(asked) for item in former.reviews[-1:])
    return level, milder or not (decided and review)


def _find_day(finding: Document, asked: Band, set_at: datetime) -> date | None:
    within, shown = days_until_visit(asked), finding.get("due_key")
    if within is None:
        return None
    if shown:
        return date(int(shown[:4]), int(shown[4:6]), int(shown[6:8]))
    return (set_at + timedelta(days=within)).date()


def _store_state(store: Store, lesion: Document, former: _Former) -> None:
    opened_at = max(
        (moment for item in former.findings if (moment := item.get("opened_at"))), default=None
    )
    telling = _find_telling(store, lesion, former, opened_at)
    last = [Changed(act=act, changed_at=moment).stored() for moment, act in former.events[-1:]]
    fields: dict[str, object] = {
        "version": len(former.events),
        "opened_at": opened_at,
        "telling": telling and telling.stored(),
        "changed": last[0] if last else None,
        "photo_wanted_at": max(former.awaited_since(PHOTO), default=None),
    }
    _change(store, "lesions", lesion, (), **fields)


def _find_telling(
    store: Store, lesion: Document, former: _Former, opened_at: datetime | None
) -> Telling | None:
    numbers = {item["number"] for item in former.findings}
    people = store.collection("people_to_reach")
    listed = [
        (person["created_at"], said)
        for person in people.find({"account": lesion["owner"]})
        for said in person["findings"]
        if said["number"] in numbers
    ]
    since = None if listed or opened_at is None else now() - RECENT
    untold = [
        item
        for item in former.reviews
        if is_urgent(_asks(item)) or names_cancer(item["opinion"]["label"])
        if all(item["created_at"] > moment for moment in (opened_at, since) if moment)
    ]
    if not untold:
        return _tell_unreviewed(listed)
    grave = any(
        _asks(item) is Band.URGENT_REFERRAL or names_cancer(item["opinion"]["label"])
        for item in untold
    )
    return Telling(began_at=untold[0]["created_at"], grave=grave)


def _tell_unreviewed(listed: Sequence[tuple[datetime, Document]]) -> Telling | None:
    """What a doctor had to tell the patient before any review."""
    urgent = [(at, said) for at, said in listed if said.get("why") in UNREVIEWED]
    if not urgent:
        return None
    grave = any(said["urgency"] == Band.URGENT_REFERRAL for _, said in urgent)
    return Telling(began_at=min(at for at, _ in urgent), grave=grave)


def _covers(review: Document, finding: Document) -> bool:
    """A review that does not state what its doctor saw covers the whole spot."""
    saw = review.get("saw")
    beside = finding["created_at"] <= review["created_at"] if saw is None else finding["id"] in saw
    return bool(review[FINDING] == finding["id"] or beside)


def _asks(review: Document) -> Band:
    return Band(review["opinion"]["urgency"])


def _read_time(key: str) -> datetime:
    return datetime.fromtimestamp(int(key[2:15]) / 1000, UTC)
