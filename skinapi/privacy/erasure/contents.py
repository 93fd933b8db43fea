"""What is stored of an account, counted by kind; what is kept of it, and where it was sent. What an
erasure deletes: `_to_erasure` in app/composition/subscriptions.py.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from pydantic import Field

from skinapi.accounts.auth.account import TEACHING_CONSENT, Account
from skinapi.accounts.auth.consents import Consents
from skinapi.base.pages import batched, read_all
from skinapi.base.values import Value
from skinapi.findings.records.record_retention import MedicalRecord
from skinapi.model.registry.version_service import ModelsService
from skinapi.platform.notices.outbox import Kind
from skinapi.platform.storage.documents import walk_by_id
from skinapi.platform.storage.ids import made_at
from skinapi.platform.storage.numbers import FINDING, FINDINGS
from skinapi.platform.storage.ports import Document, Filter, Store

READ_AT_ONCE = 500
# By kind: the collection, and its field with the account's id.
OWNED: Mapping[str, tuple[str, str]] = {
    "jobs": ("jobs", "owner"),
    "sessions": ("sessions", "account"),
    "keys": ("keys", "account"),
    "session_keys": ("session_keys", "account"),
    "password_links": ("password_links", "account"),
    "known_addresses": ("known_addresses", "account"),
    "deliveries": ("deliveries", "owner"),
}
# What hangs on a finding, by its id in FINDING.
OF_FINDINGS: Mapping[str, str] = {"reviews": "reviews", "letters": "letters", "reports": "reports"}
KINDS = (
    "account",
    "findings",
    "photos",
    "thumbnails",
    *OF_FINDINGS,
    "spots",
    "messages",
    *("jobs", "uploads", "datasets", "dataset_pictures", "sessions", "keys", "session_keys"),
    *("password_links", "log_ins", "known_addresses", "deliveries"),
    "notices",
)
FINDING_FIELDS = ("photo_blob", "picture_blobs", "thumbnail_blob", "narrative_source")


class Kept(StrEnum):
    AUDIT = "audit"
    RECORD = "record"
    COUNTS = "counts"
    SIGNED = "signed"
    MODEL = "model"
    MODEL_PERHAPS = "model_perhaps"


class Elsewhere(StrEnum):
    """Where something of a person was sent, and cannot be called back from."""

    ARCHIVE = "archive"
    WEBHOOKS = "webhooks"
    MAIL = "mail"
    LLM = "llm"


class KeptView(Value):
    what: Kept
    count: int | None = None
    until: datetime | None = Field(default=None, description="null: it is never deleted")
    names: list[str] = Field(default=[], description="versions of models")


class SentView(Value):
    where: Elsewhere


@dataclass(slots=True)
class Findings:
    """The findings of an account, read once."""

    counts: Counter[str] = field(default_factory=Counter)
    ids: list[str] = field(default_factory=list)
    written_by_llm: bool = False

    def add(self, document: Document) -> None:
        self.ids.append(document["id"])
        photos = len(document.get("picture_blobs") or ()) or int("photo_blob" in document)
        self.counts.update(findings=1, photos=photos, thumbnails=int("thumbnail_blob" in document))
        if (document.get("narrative_source") or {}).get("writer") == "llm":
            self.written_by_llm = True


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountContents:
    """`archive`: findings go to the clinic's archive. `counted`: of areas, as `OWNED`. `told`:
    their collections with receivers, by the place where those are.
    """

    store: Store
    models: ModelsService
    consents: Consents
    counted: Mapping[str, tuple[str, str]]
    told: Mapping[str, str]
    archive: bool
    mail: bool

    def count(self, account: str, *, record: MedicalRecord | None) -> dict[str, int]:
        """Count what an erasure deletes, by kind; what a kept record holds does not count."""
        counts = self._read_findings(account, record.finding_ids if record else ()).counts
        counts["account"] = 1
        for kind, (collection, owner) in {**OWNED, **self.counted}.items():
            counts[kind] = self.store.collection(collection).count({owner: account})
        others: Filter = {"account": account, "kind": {"$ne": Kind.ERASED}}
        counts["notices"] = self.store.collection("outbox").count(others)
        counts.update(self._count_spots(account, record))
        return {kind: counts[kind] for kind in KINDS if counts[kind]}

    def _count_spots(self, account: str, record: MedicalRecord | None) -> dict[str, int]:
        """With a record its spots stay with their messages, and what was written about none."""
        kept = record.spots if record else frozenset()
        spots = self.store.collection("lesions").find({"owner": account}, fields=())
        messages = self.store.collection("messages")
        by_spot = messages.count_by("lesion", {"owner": account})
        without = 0 if record else messages.count({"owner": account, "lesion": None})
        return {
            "spots": sum(spot["id"] not in kept for spot in spots),
            "messages": without + sum(by_spot[spot] for spot in by_spot.keys() - kept),
        }

    def _read_findings(self, account: str, left_out: Collection[str]) -> Findings:
        findings, collection = Findings(), self.store.collection(FINDINGS)
        for document in walk_by_id(collection, {"owner": account}, fields=FINDING_FIELDS):
            if document["id"] not in left_out:
                findings.add(document)
        for ids in batched(findings.ids, READ_AT_ONCE):
            for kind, name in OF_FINDINGS.items():
                about: Filter = {FINDING: {"$in": ids}}
                findings.counts[kind] += self.store.collection(name).count(about)
            letters = self.store.collection("letters").find(
                {FINDING: {"$in": ids}}, sort=FINDING, fields=("model",)
            )
            findings.written_by_llm |= any(letter.get("model") for letter in letters)
        return findings

    def list_elsewhere(self, account: Account) -> list[SentView]:
        """List where findings were sent, or may have been: which are decided, a doctor may hold
        back.
        """
        findings = self._read_findings(account.id, ())
        filed = findings.counts["findings"] > 0
        sent = {
            Elsewhere.ARCHIVE: self.archive and filed,
            Elsewhere.WEBHOOKS: filed and self._is_told(Elsewhere.WEBHOOKS),
            Elsewhere.MAIL: self.mail and account.can_log_in,
            Elsewhere.LLM: findings.written_by_llm,
        }
        return [SentView(where=where) for where, was_sent in sent.items() if was_sent]

    def _is_told(self, place: Elsewhere) -> bool:
        collection = self.told.get(place)
        return collection is not None and bool(self.store.collection(collection).find(limit=1))

    def list_kept(self, account: Account, record: MedicalRecord | None) -> list[KeptView]:
        kept = [KeptView(what=Kept.AUDIT), KeptView(what=Kept.COUNTS)]
        if record:
            count = len(record.findings)
            kept.insert(0, KeptView(what=Kept.RECORD, count=count, until=record.until_at))
        if account.role == "doctor":
            kept.append(KeptView(what=Kept.SIGNED))
        known = self._list_models(account.id)
        if known:
            kept.append(KeptView(what=Kept.MODEL, names=known))
        if perhaps := self._list_models_perhaps(account, but=known):
            kept.append(KeptView(what=Kept.MODEL_PERHAPS, names=perhaps))
        return kept

    def _list_models(self, account: str) -> list[str]:
        """List the versions that were trained on data sets with pictures of this account."""
        images = self.store.collection("images").find({"account": account}, fields=("dataset",))
        datasets = {image["dataset"] for image in images}
        models = read_all(self.models.versions.page_versions)
        return [model.version for model in models if model.dataset in datasets]

    def _list_models_perhaps(self, account: Account, *, but: Collection[str]) -> list[str]:
        """List the versions that may have learned from pictures of this account that are gone from
        the data sets by now: nothing tells whose those were.
        """
        changes = self.consents.history_of(account.id)
        taught = any(change.given for change in changes if change.purpose == TEACHING_CONSENT)
        if not (taught or account.consents.get(TEACHING_CONSENT)):
            return []
        return [
            model.version
            for model in read_all(self.models.versions.page_versions)
            if model.dataset and model.created_at > made_at(account.id)
            if model.version not in but and self.models.versions.get(model.version).patient_pictures
        ]

    def find_end_of_leases(self, account: str) -> datetime | None:
        """Find when the last lease of a running job of the account ends: by then each worker has
        killed its process and removed its folder.
        """
        jobs = self.store.collection("jobs").find(
            {"owner": account}, sort="-place", fields=("lease_ends_at",)
        )
        return max((job["lease_ends_at"] for job in jobs if "lease_ends_at" in job), default=None)
