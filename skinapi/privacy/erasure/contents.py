"""What is stored of an account, counted by kind; and what was sent out of it."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from skinapi.accounts.auth.account import TEACHING_CONSENT, Account
from skinapi.accounts.auth.consents import Consents
from skinapi.base.pages import PageRequest, batched, read_pages
from skinapi.findings.records.record_retention import MedicalRecord
from skinapi.integrations.webhooks.endpoints import Endpoints
from skinapi.model.registry.stored_version import VersionSummary
from skinapi.model.registry.version_service import ModelsService
from skinapi.platform.notices.outbox import Kind
from skinapi.platform.storage.ids import made_at
from skinapi.platform.storage.ports import Document, Filter, Store
from skinapi.privacy.erasure.receipts import Elsewhere, Kept, KeptItem, SentItem

READ_AT_ONCE = 500
# By kind: the collection, and its field with the account's id.
OWNED: Mapping[str, tuple[str, str]] = {
    "jobs": ("jobs", "owner"),
    "uploads": ("uploads", "owner"),
    "datasets": ("datasets", "owner"),
    "dataset_pictures": ("images", "account"),
    "sessions": ("sessions", "account"),
    "keys": ("keys", "account"),
    "session_keys": ("session_keys", "account"),
    "password_links": ("password_links", "account"),
    "log_ins": ("oidc_round_trips", "account"),
    "known_addresses": ("known_addresses", "account"),
    "deliveries": ("deliveries", "owner"),
    "emergency_accesses": ("break_glass", "owner"),
}
# What hangs on a finding, by its id in `submission`.
OF_FINDINGS: Mapping[str, str] = {"reviews": "reviews", "letters": "letters", "reports": "reports"}
KINDS = (
    "account",
    "findings",
    "photos",
    "thumbnails",
    *OF_FINDINGS,
    "spots",
    "messages",
    *OWNED,
    "notices",
)
FINDING_FIELDS = (
    "created_at",
    "photo_blob",
    "picture_blobs",
    "thumbnail_blob",
    "decision",
    "narrative_source",
)


@dataclass(slots=True)
class Findings:
    """The findings of an account, read once."""

    counts: Counter[str] = field(default_factory=Counter)
    ids: list[str] = field(default_factory=list)
    filed_at: list[datetime] = field(default_factory=list)
    decided_at: list[datetime] = field(default_factory=list)
    written_by_llm_at: list[datetime] = field(default_factory=list)

    def add(self, document: Document) -> None:
        created_at: datetime = document.get("created_at") or made_at(document["id"])
        self.ids.append(document["id"])
        self.filed_at.append(created_at)
        photos = len(document.get("picture_blobs") or ()) or int("photo_blob" in document)
        self.counts.update(findings=1, photos=photos, thumbnails=int("thumbnail_blob" in document))
        if decision := document.get("decision"):
            self.decided_at.append(decision["decided_at"])
        if (document.get("narrative_source") or {}).get("writer") == "llm":
            self.written_by_llm_at.append(created_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountContents:
    """`archive`: what sends a finding to the clinic's archive; None without one."""

    store: Store
    models: ModelsService
    consents: Consents
    endpoints: Endpoints
    archive: str | None
    mail: bool

    def count(self, account: str, *, record: MedicalRecord | None) -> dict[str, int]:
        """Count what an erasure deletes, by kind; what a kept record holds does not count."""
        counts = self._read_findings(account, record.finding_ids if record else ()).counts
        counts["account"] = 1
        for kind, (collection, owner) in OWNED.items():
            counts[kind] = self.store.collection(collection).count({owner: account})
        others: Filter = {"account": account, "kind": {"$ne": Kind.ERASED}}
        counts["notices"] = self.store.collection("outbox").count(others)
        counts.update(self._count_spots(account, record))
        return {kind: counts[kind] for kind in KINDS if counts[kind]}

    def _count_spots(self, account: str, record: MedicalRecord | None) -> dict[str, int]:
        """With a record its spots stay with their messages, and what was written about none."""
        kept = record.spots if record else frozenset()
        spots = self.store.collection("lesions").find(
            {"owner": account}, sort="deleted_at", fields=()
        )
        messages = self.store.collection("messages")
        by_spot = messages.count_by("lesion", {"owner": account})
        without = 0 if record else messages.count({"owner": account, "lesion": None})
        return {
            "spots": sum(spot["id"] not in kept for spot in spots),
            "messages": without + sum(by_spot[spot] for spot in by_spot.keys() - kept),
        }

    def _read_findings(self, account: str, left_out: Collection[str]) -> Findings:
        findings, collection = Findings(), self.store.collection("submissions")
        after: str | None = None
        while page := collection.find(
            {"owner": account}, after=after, limit=READ_AT_ONCE, fields=FINDING_FIELDS
        ):
            after = page[-1]["id"]
            for document in page:
                if document["id"] not in left_out:
                    findings.add(document)
        for ids in batched(findings.ids, READ_AT_ONCE):
            for kind, name in OF_FINDINGS.items():
                about: Filter = {"submission": {"$in": ids}}
                findings.counts[kind] += self.store.collection(name).count(about)
            letters = self.store.collection("letters").find(
                {"submission": {"$in": ids}}, sort="submission", fields=("created_at", "model")
            )
            drafted = (letter["created_at"] for letter in letters if letter.get("model"))
            findings.written_by_llm_at.extend(drafted)
        return findings

    def list_elsewhere(self, account: Account) -> tuple[SentItem, ...]:
        return tuple(self._walk_elsewhere(account, self._read_findings(account.id, ())))

    def foresee_elsewhere(self, account: Account) -> list[SentItem]:
        """List the same without numbers: these would tell of a review that a doctor holds back."""
        sent = {item.where for item in self.list_elsewhere(account)}
        if self.archive and account.findings:
            sent.add(Elsewhere.ARCHIVE)
        return [SentItem(where=where) for where in Elsewhere if where in sent]

    def _walk_elsewhere(self, account: Account, findings: Findings) -> Iterator[SentItem]:
        if self.archive:
            sent = findings.filed_at if self.archive == "finding" else findings.decided_at
            yield from _sent(Elsewhere.ARCHIVE, sent)
        yield from _sent(Elsewhere.LLM, findings.written_by_llm_at)
        if self.endpoints.list_all():
            yield from _sent(Elsewhere.WEBHOOKS, findings.filed_at)
        if self.mail and account.can_log_in:
            yield SentItem(where=Elsewhere.MAIL)

    def list_kept(self, account: Account, record: MedicalRecord | None) -> list[KeptItem]:
        kept = [KeptItem(what=Kept.AUDIT), KeptItem(what=Kept.COUNTS)]
        if record:
            count = len(record.findings)
            kept.insert(0, KeptItem(what=Kept.RECORD, count=count, until_at=record.until_at))
        if account.role == "doctor":
            kept.append(KeptItem(what=Kept.SIGNED))
        known = self._list_models(account.id)
        if known:
            kept.append(KeptItem(what=Kept.MODEL, names=tuple(known)))
        if perhaps := self._list_models_perhaps(account, but=known):
            kept.append(KeptItem(what=Kept.MODEL_PERHAPS, names=tuple(perhaps)))
        return kept

    def _list_models(self, account: str) -> list[str]:
        """List the versions that were trained on data sets with pictures of this account."""
        images = self.store.collection("images").find({"account": account}, fields=("dataset",))
        datasets = {image["dataset"] for image in images}
        return [model.version for model in self._walk_models() if model.dataset in datasets]

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
            for model in self._walk_models()
            if model.dataset and model.created_at > made_at(account.id)
            if model.version not in but and self.models.versions.get(model.version).patient_pictures
        ]

    def _walk_models(self) -> Iterator[VersionSummary]:
        for page in read_pages(self.models.versions.page_versions, PageRequest(100)):
            yield from page.items

    def find_end_of_leases(self, account: str) -> datetime | None:
        """Find when the last lease of a running job of the account ends: by then each worker has
        killed its process and removed its folder.
        """
        jobs = self.store.collection("jobs").find(
            {"owner": account}, sort="-place", fields=("lease_ends_at",)
        )
        return max((job["lease_ends_at"] for job in jobs if "lease_ends_at" in job), default=None)


def _sent(where: Elsewhere, moments: Sequence[datetime]) -> Iterator[SentItem]:
    if moments:
        yield SentItem(where=where, count=len(moments), first_at=min(moments), last_at=max(moments))
