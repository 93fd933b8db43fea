"""What the JSON files of a person's file say: models, of which the published schemas are made.

The file is a ZIP archive:

    index.html                     for people, in all languages
    manifest.json, manifest.sig    what is in it, and the signature of manifest.json
    account.json, consents.json, sessions.json, keys.json, spots.json, messages.json, audit.json,
    notices.json, jobs.json
    findings/<id>/finding.json     each finding, with its reviews and letters
    findings/<id>/photo-<n>.jpg    its kept photos, as they were sent
    findings/<id>/report-….pdf     its reports
    fhir/bundle.json               the same as a FHIR R4 `Bundle`
    schemas/<name>.schema.json     what these JSON files look like

Ids are those of the server that has made it. Whoever reads it leaves out fields that it does not
know; what it knows never changes its meaning within one `version`.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from skinapi.base.languages import Language
from skinapi.care.spot_records import Place
from skinapi.findings.records.decisions import Decision
from skinapi.findings.records.letters import Addressee, Withdrawal
from skinapi.findings.records.reviews import Opinion
from skinapi.findings.records.submission import Source
from skinapi.model.conditions import Band
from skinapi.model.context import Context, Sex
from skinapi.model.finding import Finding

FORMAT: Literal["skinapi-person-file"] = "skinapi-person-file"
VERSION = 1
MANIFEST, SIGNATURE, PAGE = "manifest.json", "manifest.sig", "index.html"

# Another person is never named by an account's id, only by what cannot be turned back into it.
ME = "me"
OTHER = re.compile(r"person-[0-9a-f]{32}")
Person = Annotated[
    str,
    StringConstraints(pattern=rf"^({ME}|{OTHER.pattern})$"),
    Field(
        description="`me`, or a name for another person that is the same in each file: a hash of "
        "the account's id"
    ),
]
Id = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
# Also against `..` and drives: a path that another program may unpack.
FilePath = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)*$", max_length=200),
]


def person_of(account: str, *, owner: str) -> str:
    """How the file names this account."""
    if account == owner:
        return ME
    return f"person-{hashlib.sha256(f'skinapi person {account}'.encode()).hexdigest()[:32]}"


class Filed(BaseModel):
    """The base of all that stands in the file."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class ManifestFile(Filed):
    path: FilePath
    bytes: int = Field(ge=0)
    sha256: Sha256


class MissingFile(Filed):
    path: FilePath
    reason: Literal["damaged", "lost"] = Field(
        description="of a stored photo; of a finding: `damaged`"
    )


class Maker(Filed):
    """The server that has made the file."""

    address: str
    clinic: str | None = None
    software: str = Field(description="its version of SkinAPI")
    public_key: str = Field(description="Ed25519, 32 bytes in base64: checks `manifest.sig`")
    fingerprint: str = Field(description="SHA-256 of these 32 bytes")


class Manifest(Filed):
    """`manifest.json`: what is in the file. `manifest.sig` signs its bytes."""

    format: Literal["skinapi-person-file"] = FORMAT
    version: int = VERSION
    made_at: datetime
    made_by: Maker
    account: Id
    counts: Mapping[str, int] = Field(
        description="`damaged`: records of any kind that cannot be read, so that they are not in it"
    )
    files: tuple[ManifestFile, ...] = Field(description="all but this one and its signature")
    missing: tuple[MissingFile, ...] = ()


class AccountFile(Filed):
    """`account.json`. No password and no secret."""

    id: Id
    created_at: datetime
    email: str
    name: str
    role: str
    status: str
    locale: str
    notices: bool = Field(description="whether mails are sent that are not of security")
    birth_year: int | None = Field(default=None, description="as told for photos to come")
    sex: Sex | None = None
    wanted_role: str | None = None
    doctor: str | None = Field(default=None, description="the name of the doctor in charge")
    password: bool = Field(description="whether it has one here")
    provider: str | None = Field(default=None, description="the log-in that opens it instead")
    second_factor: bool
    recovery_codes_left: int = 0
    known_browsers: int = Field(
        description="how many browsers have opened it: hashes alone are stored of them"
    )


class FiledConsent(Filed):
    purpose: str
    given: bool
    at: datetime
    version: int | None = Field(default=None, description="of the text that was shown")
    language: str | None = None
    by: Person
    way: str = Field(
        description="`console`; another `client`; `photo`: with one photo; by a program's `key`; "
        "`fhir`"
    )
    finding: Id | None = Field(default=None, description="of the photo that it is about alone")


class ConsentsFile(Filed):
    """`consents.json`: what counts now, and what was said when, the oldest first."""

    current: Mapping[str, bool]
    history: Sequence[FiledConsent] = ()


class FiledSession(Filed):
    id: Id
    created_at: datetime
    used_at: datetime
    expires_at: datetime
    client: str | None = Field(default=None, description="as the browser or program named itself")
    provider: str | None = None


class SessionsFile(Filed):
    sessions: Sequence[FiledSession]


class FiledKey(Filed):
    id: str
    created_at: datetime
    name: str
    hint: str = Field(description="the end of the secret, which is not stored")
    kind: str
    scopes: Sequence[str]
    ends_at: datetime | None = None
    addresses: Sequence[str] = ()
    quota: int | None = None
    uses: int = 0
    used_at: datetime | None = None
    revoked_at: datetime | None = None


class KeysFile(Filed):
    keys: Sequence[FiledKey]


class FiledSpot(Filed):
    """`deleted_at`: its owner has deleted it; its messages are kept for the doctor in charge."""

    id: Id
    created_at: datetime
    place: Place
    name: str | None = None
    joined: Id | None = Field(default=None, description="the spot that was joined to it last")
    remind_at: datetime | None = None
    reminded: str | None = None
    deleted_at: datetime | None = None


class SpotsFile(Filed):
    spots: Sequence[FiledSpot]


class FiledPhoto(Filed):
    path: FilePath
    place: int = Field(ge=1, description="among the photos of the finding")
    shown: bool = Field(description="whether it is the one that its lists show")
    missing: Literal["damaged", "lost"] | None = None


class FiledReport(Filed):
    path: FilePath
    language: Language
    hash: Sha256 | None = Field(default=None, description="by which the server verifies it")
    issued_at: datetime | None = Field(
        default=None, description="null of one that was printed for this file alone"
    )
    version: int = Field(default=1, description="of the finding, that it says")


class FiledReview(Filed):
    id: Id
    created_at: datetime
    doctor: Person
    signature: str = Field(description="the doctor's name at that time")
    version: int = Field(default=1, description="of the finding, that the doctor saw")
    opinion: Opinion
    note: str | None = None
    downgrade_confirmed: bool = False
    lowered_from: Band | None = None
    lowered_to: Band | None = None


class FiledLetter(Filed):
    id: Id
    created_at: datetime
    doctor: Person
    signature: str | None
    signed_at: datetime
    reader: Addressee
    language: Language
    decision: str = ""
    text: str
    model: str | None = None
    version: int
    last_review: str | None = None
    elsewhere: Band | None = None
    withdrawn: Withdrawal | None = None


class FiledVersion(Filed):
    """What the photo was answered with before it was judged again."""

    version: int
    judged_at: datetime
    judged_by: Person | None = None
    corrected: Sequence[str] = ()
    finding: Finding
    context: Context
    sections: Mapping[str, str]
    narrative_source: Mapping[str, str | None]


class FindingFile(Filed):
    """`findings/<id>/finding.json`: what was found on one photo or several, what its owner told,
    and what doctors have signed, as its owner may know it now.
    """

    id: Id
    number: int = Field(description="on the server that has made the file")
    created_at: datetime
    language: Language
    finding: Finding
    context: Context
    sections: Mapping[str, str] = Field(description="the text as it was answered")
    narrative_source: Mapping[str, str | None]
    decision: Decision | None = Field(description="`doctor` is named as in reviews")
    lesion: Id | None = None
    former_lesion: Id | None = None
    source: Source | None = None
    version: int = Field(default=1, description="its photo was judged so often")
    judged_at: datetime | None = Field(default=None, description="when the newest version was made")
    judged_by: Person | None = Field(default=None, description="who had it judged again")
    corrected: Sequence[str] = Field(
        default=(), description="what was corrected of `context` since the version before"
    )
    earlier: Sequence[FiledVersion] = Field(default=(), description="the oldest first")
    filed_by: Person | None = Field(default=None, description="who has sent it for its owner")
    opened_at: datetime | None = Field(
        default=None,
        description="when its owner first opened it with what a doctor had decided",
    )
    photos: Sequence[FiledPhoto] = ()
    reports: Sequence[FiledReport] = ()
    reviews: Sequence[FiledReview] = ()
    letters: Sequence[FiledLetter] = ()


class FiledMessage(Filed):
    id: Id
    created_at: datetime
    lesion: Id | None = Field(default=None, description="the spot; null of what is about none")
    author: Person
    signature: str | None = Field(default=None, description="the name of a doctor who wrote it")
    text: str
    seen_at: datetime | None = Field(
        default=None, description="when it was first on the screen of the doctor"
    )
    read_at: datetime | None = Field(
        default=None, description="when it was read; of a patient's, answered or marked as done"
    )
    submission: Id | None = Field(default=None, description="the finding that it is about")


class MessagesFile(Filed):
    messages: Sequence[FiledMessage]


class FiledAuditRow(Filed):
    """Who did what. Others are named by their role, and findings by their numbers."""

    id: Id
    at: datetime
    action: str
    by: str = Field(
        description="`me`, or the role: `user` (a patient), `doctor`, `researcher`, `admin`; "
        "`program`, `system`, `anonymous`, or `deleted`: of an account that is gone"
    )
    name: str | None = Field(default=None, description="of another person who has looked")
    finding: int | None = Field(default=None, description="the number of the finding it is about")
    reason: str | None = Field(
        default=None, description="why an admin has opened the finding in an emergency"
    )


class AuditFile(Filed):
    rows: Sequence[FiledAuditRow]


class FiledNotice(Filed):
    """A mail to the person: it waits, or was sent in the last day."""

    created_at: datetime
    kind: str
    due_at: datetime | None = None
    sent_at: datetime | None = None


class NoticesFile(Filed):
    notices: Sequence[FiledNotice]


class FiledJob(Filed):
    id: str
    created_at: datetime
    kind: str
    status: str
    request: Mapping[str, Any]
    completed_at: datetime | None = None


class JobsFile(Filed):
    jobs: Sequence[FiledJob]


# The JSON files, and what each is.
FILES: Mapping[str, type[Filed]] = {
    "manifest": Manifest,
    "account": AccountFile,
    "consents": ConsentsFile,
    "sessions": SessionsFile,
    "keys": KeysFile,
    "spots": SpotsFile,
    "finding": FindingFile,
    "messages": MessagesFile,
    "audit": AuditFile,
    "notices": NoticesFile,
    "jobs": JobsFile,
}
SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_of(name: str) -> dict[str, Any]:
    """The JSON Schema of `<name>.json`."""
    described = FILES[name].model_json_schema(mode="serialization")
    return {"$schema": SCHEMA_DIALECT, "$id": f"{FORMAT}/{VERSION}/{name}", **described}
