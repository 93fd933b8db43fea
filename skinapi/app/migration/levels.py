"""How the findings of release 2.0.0 get levels, and their spots a version.

The level of a finding is the urgency by which 2.0.0 sorted it in its lists, with the day that it
showed. A finding is covered by the reviews that were signed of it, or whose doctor saw it. If
reviews of a spot disagree, the most urgent one stays in effect, and its finding is open.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from skinapi.findings.records.queue_order import band_of_key
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
from skinapi.model.bands import urgency
from skinapi.model.conditions import Band
from skinapi.platform.storage.numbers import FINDING, FINDINGS
from skinapi.platform.storage.ports import Document, Store, set_or_remove

# What 2.0.0 stored of these, and nothing reads any more.
OF_FINDING = ("opened_at",)
OF_REVIEW = ("saw", "version")
OF_LETTER = ("written_of", "begins", "elsewhere", "last_review", "misplaced_at")
OF_REPORT = ("version", "contents")
RESULT, PHOTO = "10", "11"


@dataclass(frozen=True, slots=True)
class _Former:
    """A spot as 2.0.0 has stored it. `events` are the times of its photos and reviews, sorted."""

    findings: Sequence[Document]
    reviews: Sequence[Document]
    events: Sequence[datetime]

    def version_at(self, moment: datetime) -> int:
        return bisect_right(self.events, moment)

    def has_awaited(self, kind: str) -> list[str]:
        keys = (item.get("awaited_key") or "" for item in self.findings)
        return [key for key in keys if key.startswith(kind)]


def level_spot(store: Store, lesion: Document) -> None:
    """Call it once all reviews are restated. The same again changes nothing."""
    documents = store.collection(FINDINGS).find({"lesion": lesion["id"]}, sort="lesion")
    if not documents or all("level" in item for item in documents):
        return
    ids = [item["id"] for item in documents]
    signed = store.collection("reviews").find({FINDING: {"$in": ids}}, sort=FINDING)
    own = (item for item in signed if not item.get("asked_by"))
    reviews = sorted(own, key=lambda item: str(item["id"]))
    counted = [item for item in documents if not item.get("error")]
    events = sorted(item["created_at"] for item in (*counted, *reviews))
    former = _Former(counted, reviews, events)
    for name, retired in (("letters", OF_LETTER), ("reports", OF_REPORT)):
        for item in store.collection(name).find({FINDING: {"$in": ids}}, sort=FINDING):
            _give_version(store, name, item, former, retired)
    for item in reviews:
        _level_review(store, item, lesion["id"], former)
    _store_state(store, lesion["id"], former)
    for item in documents:  # last: it says that the spot is done
        _level_finding(store, item, former)


def _give_version(
    store: Store, name: str, item: Document, former: _Former, retired: Sequence[str]
) -> None:
    """The version of the spot at which a letter or a report was written."""
    version = former.version_at(item.get("signed_at") or item["created_at"])
    fields = {"spot_version": version, **dict.fromkeys(retired)}
    store.collection(name).update({"id": item["id"]}, set_or_remove(fields))


def _level_review(store: Store, review: Document, lesion: str, former: _Former) -> None:
    version = former.version_at(review["created_at"])
    fields: Document = {"lesion": lesion, "spot_version": version, **dict.fromkeys(OF_REVIEW)}
    if review is former.reviews[-1] and former.has_awaited(RESULT):
        fields["opinion"] = {**review["opinion"], "sample": "waiting"}
    store.collection("reviews").update({"id": review["id"]}, set_or_remove(fields))


def _store_state(store: Store, lesion: str, former: _Former) -> None:
    opened = max(filter(None, (item.get("opened_at") for item in former.findings)), default=None)
    telling, last = None, former.reviews[-1] if former.reviews else None
    if last and (opened is None or opened < last["created_at"]):
        asked, cancer = Band(last["opinion"]["urgency"]), names_cancer(last["opinion"]["label"])
        grave = cancer or asked is Band.URGENT_REFERRAL
        if cancer or is_urgent(asked):
            telling = Telling(began_at=last["created_at"], grave=grave).stored()
    wanted = [int(key[2:15]) / 1000 for key in former.has_awaited(PHOTO)]
    act = Act.SIGNED if last and last["created_at"] == former.events[-1] else Act.ADDED
    changed = Changed(act=act, changed_at=former.events[-1]).stored() if former.events else None
    fields: Document = {
        "version": len(former.events),
        "opened_at": opened,
        "telling": telling,
        "changed": changed,
        "photo_wanted_at": datetime.fromtimestamp(max(wanted), UTC) if wanted else None,
    }
    store.collection("lesions").update({"id": lesion}, set_or_remove(fields))


def _level_finding(store: Store, finding: Document, former: _Former) -> None:
    covering = [item for item in former.reviews if _covers(item, finding)]
    level, is_open = _find_level(finding, covering, former)
    fields: Document = {
        "level": level.stored(),
        "queued_at": level.set_at if is_open else None,
        "covered_by": [item["id"] for item in covering] or None,
        **dict.fromkeys(OF_FINDING),
    }
    store.collection(FINDINGS).update({"id": finding["id"]}, set_or_remove(fields))


def _find_level(
    finding: Document, covering: Sequence[Document], former: _Former
) -> tuple[Level, bool]:
    key = finding.get("queue_key") or ""
    asked = band_of_key(key) if key else Band(finding["band"])
    waits = key.startswith("0")
    judged_at = finding.get("judged_at") or finding["created_at"]
    review = covering[-1] if covering and not waits else None
    source, set_at = (
        (LevelSource.REVIEW, review["created_at"]) if review else (LevelSource.MODEL, judged_at)
    )
    level = Level(
        urgency=asked,
        source=source,
        set_at=set_at,
        day=_find_day(finding, asked, set_at),
        review=review["id"] if review else None,
    )
    milder = review and urgency(Band(former.reviews[-1]["opinion"]["urgency"])) > urgency(asked)
    return level, waits or bool(milder)


def _find_day(finding: Document, asked: Band, set_at: datetime) -> date | None:
    within, shown = days_until_visit(asked), finding.get("due_key")
    if within is None:
        return None
    if shown:
        return date(int(shown[:4]), int(shown[4:6]), int(shown[6:8]))
    return (set_at + timedelta(days=within)).date()


def _covers(review: Document, finding: Document) -> bool:
    """A review that does not say what its doctor saw saw all that was in the spot."""
    if finding.get("error"):
        return False
    saw = review.get("saw")
    beside = finding["created_at"] <= review["created_at"] if saw is None else finding["id"] in saw
    return bool(review[FINDING] == finding["id"] or beside)
