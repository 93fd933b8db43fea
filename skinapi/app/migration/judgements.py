"""A part of the migration: of a photo that was judged again, a store of version 10 has a finding
for each judgement. They become versions of the first one, with all that was stored about them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from skinapi.care.reminders import LesionCounts
from skinapi.findings.records.review_queue import ReviewQueue
from skinapi.findings.records.stored_finding import EarlierVersion, EnteredInError, StoredFinding
from skinapi.findings.reviews.outcomes import OutcomeCounts
from skinapi.findings.status.reviews import Review
from skinapi.platform.storage.numbers import FINDING, FINDINGS
from skinapi.platform.storage.ports import Document, Filter, Store, set_or_remove

# The fields that name a finding by its id.
NAMED_IN = (
    *(("letters", FINDING), ("messages", FINDING), ("images", FINDING)),
    ("break_glass", "finding"),
)
LINKS = ("again_of", "judged_again", "photo_sent_at")
OF_NEWEST = (
    *("finding", "band", "model_version", "context", "corrected"),
    *("sections", "narrative_source", "changed"),
)
PHOTOS = ("photo_blob", "thumbnail_blob", "picture_blobs", "photo_removed_at")
# What the last judgement that has one says.
OF_LAST = (
    *("lesion", "former_lesion", "taken_by", "taken_at", "opinion_of", "opinion_at"),
    *("opinion_by", "opinion_question", "opinion_key", "opinion_came_at", "opinion_lost"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgementJoiner:
    store: Store
    queue: ReviewQueue
    counts: LesionCounts
    outcomes: OutcomeCounts

    def join(self, found: Document) -> None:
        """Join the judgements of a photo, if this is a later one. Each had a copy of the photo."""
        if found.get("photo_sent_at"):
            for blob in self.store.transaction(lambda: self._join(found)):
                self.store.blobs.delete(blob)

    def _join(self, found: Document) -> set[str]:
        """Return the photos that are not needed any more."""
        judgements = self._list_judgements(found)
        if found["id"] not in {item["id"] for item in judgements}:
            return set()  # it was joined with one before
        first = judgements[0]
        self._count_result_once(judgements)
        for version, judgement in enumerate(judgements, 1):
            said = {FINDING: first["id"], "version": version if version > 1 else None}
            for name in ("reviews", "reports"):  # they say of which version they are
                of_this = {FINDING: judgement["id"]}
                self.store.collection(name).update_all(of_this, set_or_remove(said))
        for judgement in judgements[1:]:
            self._rename(judgement, first)
            self.store.collection(FINDINGS).delete({"id": judgement["id"]})
        kept = next((item for item in judgements if item.get("photo_blob")), first)
        self._store_joined(judgements, kept)
        return set().union(*map(_blobs_of, judgements)) - _blobs_of(kept)

    def _list_judgements(self, found: Document) -> list[Document]:
        """The oldest first. Where one was deleted, the numbers that linked them are gone."""
        same: list[Filter] = [
            {"owner": found["owner"], "created_at": found["photo_sent_at"]},
            {"owner": found["owner"], "photo_sent_at": found["photo_sent_at"]},
        ]
        documents = self.store.collection(FINDINGS)
        return [item for wanted in same for item in documents.find(wanted)]

    def _count_result_once(self, judgements: Sequence[Document]) -> None:
        """The laboratory's result counts for the newest judgement that has one."""
        counted = [
            (StoredFinding.model_validate(judgement), reviews)
            for judgement in judgements
            if not judgement.get("error") and (reviews := self._list_results(judgement["id"]))
        ]
        for finding, reviews in counted[:-1]:
            self.outcomes.take_back(finding, reviews)

    def _list_results(self, finding: str) -> list[Review]:
        found = self.store.collection("reviews").find({FINDING: finding})
        reviews = map(Review.model_validate, found)
        return [
            review
            for review in reviews
            if review.opinion.histology_result and not review.second_opinion
        ]

    def _rename(self, judgement: Document, first: Document) -> None:
        """Let what names the one name the other."""
        for name, field in NAMED_IN:
            of_this = {field: judgement["id"]}
            self.store.collection(name).update_all(of_this, {"$set": {field: first["id"]}})
        consent = {"account": judgement["owner"], "finding": judgement["id"]}
        self.store.collection("consents").update_all(consent, {"$set": {"finding": first["id"]}})
        readers = {"finding": judgement["owner"], "case": judgement.get("doctor")}
        for place, account in readers.items():
            notices = {"account": account, "about": f"{place}/{judgement['number']}"}
            renamed = {"$set": {"about": f"{place}/{first['number']}"}}
            self.store.collection("outbox").update_all(notices, renamed)

    def _store_joined(self, judgements: Sequence[Document], kept: Document) -> None:
        first, newest = judgements[0], judgements[-1]
        photos = {name: kept.get(name) for name in PHOTOS}
        if blobs := kept.get("picture_blobs"):
            photos["photo_blob"] = blobs[newest["finding"].get("shown_picture", 0)]
        joined: dict[str, Any] = {
            **dict.fromkeys(LINKS),
            **{name: newest.get(name) for name in OF_NEWEST},
            **{name: _last(judgements, name) for name in OF_LAST},
            **photos,
        }
        if len(judgements) > 1:
            joined |= {
                "version": len(judgements),
                "judged_at": newest["created_at"],
                "judged_by": self._find_who_judged(newest),
                "earlier": self._list_earlier(judgements[:-1]),
            }
        documents, identifier = self.store.collection(FINDINGS), {"id": first["id"]}
        documents.update(identifier, set_or_remove(joined))
        self._place(first["id"], _last(judgements, "error"), joined["lesion"])

    def _place(self, identifier: str, error: Document | None, lesion: str | None) -> None:
        """Put it where the lists look for it; one of which a judgement is in error, nowhere."""
        records = self.queue.records
        if error and (finding := records.find(identifier)):
            records.mark_in_error(finding, EnteredInError.model_validate(error))
        else:
            self.queue.records.renew_keys(lesions=[lesion], ids=[] if lesion else [identifier])
        if lesion:
            self.counts.recount(lesion)

    def _list_earlier(self, judgements: Sequence[Document]) -> list[Document]:
        return [
            EarlierVersion.model_validate(
                {
                    **judgement,
                    "version": version,
                    "judged_at": judgement["created_at"],
                    "judged_by": self._find_who_judged(judgement),
                }
            ).stored()
            for version, judgement in enumerate(judgements, 1)
        ]

    def _find_who_judged(self, judgement: Document) -> str | None:
        wanted = {"target": judgement["id"], "action": "submission.judge_again"}
        rows = self.store.collection("audit").find(wanted, limit=1, fields=("by",))
        return rows[0]["by"] if rows else None


def _last(judgements: Sequence[Document], name: str) -> Any:
    return next(
        (judgement[name] for judgement in reversed(judgements) if judgement.get(name)), None
    )


def _blobs_of(document: Mapping[str, Any]) -> set[str]:
    blobs = {document.get("photo_blob"), document.get("thumbnail_blob")}
    return set(filter(None, {*blobs, *document.get("picture_blobs", ())}))
