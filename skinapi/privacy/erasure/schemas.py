"""What the routes of erasures answer."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from skinapi.base.languages import Language
from skinapi.base.stored_record import optional
from skinapi.base.subject import ErasureReason
from skinapi.findings.reports.schemas import LanguageTag
from skinapi.model.conditions import Band, conditions_table
from skinapi.platform.web.schemas import Answer, Message
from skinapi.privacy.erasure.people_to_reach import PersonToReach, Why
from skinapi.privacy.erasure.receipts import Asker, Elsewhere, Extent, Kept, Receipt
from skinapi.privacy.erasure.service import Preview

REASON = "why an admin has deleted it; null where none was given"


class ReceiptQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    lang: LanguageTag | None = Field(
        default=None, description="that of the account's owner unless given"
    )


class DeletedAccount(Message):
    """`receipt` is there where it is deleted, `deletion_at` where that waits."""

    receipt: str | None = optional(
        "the code of the receipt, which is finished within a minute: `/receipts/verify/{code}`"
    )
    deletion_at: datetime | None = optional(
        "when it will be deleted, as long as it can be taken back"
    )

    @classmethod
    def of(cls, done: Receipt | datetime) -> Self:
        if isinstance(done, Receipt):
            return cls(message="Account deleted", receipt=done.code)
        return cls(message="Account will be deleted", deletion_at=done)


class Shown(Answer):
    """An answer that is read from a stored record, or from an account."""

    model_config = ConfigDict(from_attributes=True)


class KeptView(Shown):
    what: Kept
    count: int | None = None
    until: datetime | None = Field(
        default=None, validation_alias="until_at", description="null: it is never deleted"
    )
    names: list[str] = Field(default=[], description="versions of models")


class SentView(Shown):
    where: Elsewhere
    count: int | None = Field(default=None, description="how many findings")
    first: datetime | None = Field(default=None, validation_alias="first_at")
    last: datetime | None = Field(default=None, validation_alias="last_at")


class BackupView(Shown):
    made_at: datetime
    place: str


class DeletionPreview(Answer):
    """What a deletion of the own account does."""

    deletion_at: datetime | None = Field(description="when it will be deleted; null: none waits")
    wait_days: int = Field(description="so long it can be taken back; 0: it is done at once")
    obstacle: str | None = Field(description="the code of the error that refuses it now")
    to_be_told: Why | None = Field(
        description="why somebody should speak to the person before: a doctor has something to "
        "tell (`held`), or nobody has looked at an urgent finding (`unreviewed`). After a deletion "
        "the doctor gets name, e-mail and the number of the finding, for 30 days"
    )
    erased: dict[str, int] = Field(description="how many of each kind are erased")
    kept: list[KeptView]
    kept_findings: list[int] = Field(description="the numbers of the findings that the law keeps")
    kept_since: datetime | None = Field(
        description="the newest signature of the record that the law keeps"
    )
    kept_until: datetime | None = Field(description="until when that is kept")
    elsewhere: list[SentView] = Field(
        description="what was sent and cannot be called back; the receipt says how many findings"
    )

    @classmethod
    def of(cls, preview: Preview) -> Self:
        record = preview.record
        return cls(
            deletion_at=preview.due_at,
            wait_days=preview.wait.days,
            obstacle=preview.obstacle.code if preview.obstacle else None,
            to_be_told=preview.to_be_told,
            erased=preview.erased,
            kept=[KeptView.model_validate(one) for one in preview.kept],
            kept_findings=[one.number for one in record.findings] if record else [],
            kept_since=record.signed_at if record else None,
            kept_until=record.until_at if record else None,
            elsewhere=[SentView.model_validate(one) for one in preview.elsewhere],
        )


class FindingToTellView(Answer):
    number: int
    found_at: datetime
    why: Why
    label: str | None = Field(description="null for admins, and where none was named")
    name: str | None = Field(description="of the label")
    suspected: bool = Field(description="whether a doctor suspects it, without a result")
    urgency: Band


class NumberView(Answer):
    system: str = Field(description="who gave it; empty where the archive names nobody")
    value: str


class PersonToReachView(Answer):
    """A person who was to be told of a finding when it, or the account, was deleted."""

    id: str = Field(serialization_alias="_id")
    left_at: datetime
    name: str
    email: str | None = Field(description="null for a patient of another system")
    number: NumberView | None = Field(
        default=None, description="of a patient of another system, there"
    )
    sent_by: str | None = Field(default=None, description="the name of the key that sent them")
    findings: list[FindingToTellView]
    kept_until: datetime

    @classmethod
    def of(cls, person: PersonToReach, language: Language, *, clinical: bool) -> Self:
        """Without `clinical`, as admins read it: whom to reach, and how soon."""
        findings = []
        for one in person.findings:
            label = one.label if clinical else None
            name = conditions_table().name(label, language) if label else None
            malignant = label is not None and conditions_table().label(label).malignant
            fields = one.model_dump(include={"number", "found_at", "why", "urgency"})
            suspected = malignant and one.why is Why.HELD and not one.proven
            findings.append(
                FindingToTellView(**fields, label=label, name=name, suspected=suspected)
            )
        return cls(
            id=person.id,
            left_at=person.created_at,
            name=person.name,
            email=None if person.number else person.email,
            number=NumberView(**person.number.model_dump()) if person.number else None,
            sent_by=person.sent_by,
            findings=findings,
            kept_until=person.expires_at,
        )


class ReceiptView(Shown):
    """A receipt. It names nobody. `signed` is the text whose signature `signature` is (Ed25519)."""

    id: str = Field(serialization_alias="_id")
    code: str
    account: str = Field(description="the id of the account that was erased")
    asked_by: Asker
    reason: ErasureReason | None = Field(default=None, description=REASON)
    extent: Extent = Field(description="`record`: what had been kept by law until then")
    language: Language
    complete: bool = Field(description="whether all is gone; before, it can change")
    begun_at: datetime = Field(validation_alias="created_at")
    gone_at: datetime | None = Field(description="since when none of it is in the store")
    completed_at: datetime | None
    erased: dict[str, int]
    kept: list[KeptView]
    elsewhere: list[SentView]
    backups: list[BackupView] = Field(description="those that still hold the person")
    remains: list[str] = Field(description="what the files of the store may still hold")
    signed: str | None
    signature: str | None
    public_key: str | None


class ReceiptVerdict(Answer):
    """`valid`: this server has made the receipt, and signed it as it is here."""

    valid: bool
    fingerprint: str | None = Field(
        default=None, description="SHA-256 of the key of this server that has signed it"
    )
    receipt: ReceiptView | None = None


class WaitingDeletion(Shown):
    email: str
    role: str
    asked_at: datetime | None = Field(validation_alias="deletion_asked_at")
    deletion_at: datetime | None = Field(validation_alias="deletion_due_at")


class KeptRecord(Shown):
    """What is left of a deleted account: the name is its doctor's to know."""

    id: str = Field(serialization_alias="_id")
    kept_until: datetime | None = Field(validation_alias="record_kept_until_at")


class WaitingErasures(Answer):
    """What is to be erased: as people have asked, and what the law keeps until then."""

    deletions: list[WaitingDeletion]
    records: list[KeptRecord]
