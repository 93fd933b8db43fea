from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from skinapi.accounts.auth.consents import PatientChannel
from skinapi.base.languages import Language
from skinapi.findings.records.spots import view_new_spot
from skinapi.findings.records.stored_finding import Amendment, Source, StoredFinding
from skinapi.findings.status.spot import Level, Spot, add
from skinapi.model.context import Context
from skinapi.model.finding import Finding
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.unit_of_work import Unit


@dataclass(frozen=True, slots=True)
class PhotoChoice:
    told: bool | None
    by: str
    way: PatientChannel


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFinding:
    """`key` and `request_hash` identify a retry. `session_of` is the key that issued the session
    key. `before_commit` gets the owner and, in the same transaction, excludes what was filed for
    another patient. `former` is the level from the other patient.
    """

    id: str = field(default_factory=new_id)
    owner: str
    finding: Finding
    context: Context
    language: Language
    sections: dict[str, str]
    narrative_source: Mapping[str, str | None]
    key: str | None = None
    request_hash: str = ""
    lesion: str | None = None
    photos: Sequence[bytes] = ()
    blobs: tuple[str, ...] = ()
    by: str | None = None
    session_of: str | None = None
    choice: PhotoChoice | None = None
    source: Source | None = None
    before_commit: Callable[[Unit, str], None] | None = None
    former: Level | None = None

    def as_stored(self, *, number: int) -> StoredFinding:
        judged, blobs = self.finding, self.blobs
        created_at = now()
        spot = add(Spot(""), self.id, number, judged.band, at=created_at, former=self.former)
        finding = StoredFinding.from_record(
            self,
            created_at=created_at,
            level=spot.find(self.id).level,
            queued_at=created_at,
            number=number,
            lesion=self.lesion or self.id,
            idempotency_key=self.key,
            photo_blob=blobs[judged.shown_picture] if blobs else None,
            picture_blobs=blobs if judged.pictures else (),
            picture_count=max(1, len(judged.pictures)),
            changed=new_id(),
            uncompared=new_id() if self.lesion and blobs else None,
            filed_by=self.by if self.by != self.owner else None,
        )
        # An existing spot is read after the finding is stored.
        return finding if self.lesion else finding.see_in(view_new_spot(finding))


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVersion:
    finding: Finding
    context: Context
    corrected: tuple[str, ...]
    sections: dict[str, str]
    narrative_source: Mapping[str, str | None]
    by: str

    def after(self, before: StoredFinding) -> StoredFinding:
        finding = self.finding
        shown = before.picture_blobs[finding.shown_picture] if before.picture_blobs else None
        return before.model_copy(
            update={
                "version": before.version + 1,
                "judged_at": now(),
                "judged_by": self.by,
                "corrected": self.corrected,
                "earlier": (*before.earlier, before.as_earlier()),
                "finding": finding,
                "context": self.context,
                "sections": self.sections,
                "narrative_source": self.narrative_source,
                "photo_blob": shown or before.photo_blob,
                "uncompared": new_id(),
            }
        )


def amend(before: StoredFinding, context: Context, *, by: str) -> StoredFinding:
    changed = before.context.list_changes(context)
    amendment = Amendment(
        version=before.version,
        amended_at=now(),
        by=by,
        before={name: getattr(before.context, name) for name in changed},
    )
    amendments = (*before.amendments, amendment)
    return before.model_copy(update={"context": context, "amendments": amendments})
