"""What `data.json` of a person's file says.

The file is a ZIP archive:

    index.html                 for people, in the language of the account
    data.json                  for programs
    photos/<number>-<n>.jpg    the kept photos of each finding, as they were sent

Ids are those of the server that has made it. Whoever reads it leaves out fields that it does not
know; what it knows never changes its meaning within one `version`.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import ConfigDict

from skinapi.base.languages import Language
from skinapi.base.values import Value
from skinapi.findings.records.lesions import Place
from skinapi.findings.records.letters import Addressee, Withdrawal
from skinapi.findings.records.stored_finding import Source
from skinapi.findings.status.decisions import Decision
from skinapi.findings.status.reviews import Opinion
from skinapi.findings.status.spot import Level
from skinapi.findings.status.spot_view import MeasuredChange
from skinapi.model.context import Context, Sex
from skinapi.model.finding import Finding

FORMAT, VERSION = "skinapi-person-file", 2
PAGE, DATA = "index.html", "data.json"

ME = "me"


def person_of(account: str, *, owner: str) -> str:
    """How the file names this account: another person never by the account's id, but by a hash of
    it that is the same in each file.
    """
    if account == owner:
        return ME
    return f"person-{hashlib.sha256(f'skinapi person {account}'.encode()).hexdigest()[:32]}"


class Filed(Value):
    """The base of all that stands in the file."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)


class Maker(Filed):
    """The server that has made the file. `software`: its version of SkinAPI."""

    address: str
    clinic: str | None = None
    software: str


class Missing(Filed):
    """A finding, or a photo of one, that could not be put in."""

    finding: str
    photo: str | None = None
    reason: Literal["damaged", "lost"]


class FiledAccount(Filed):
    """No password and no secret. `birth_year` and `sex`: as told for photos to come. `provider`:
    the log-in that opens it instead of a password.
    """

    id: str
    created_at: datetime
    email: str
    name: str
    role: str
    status: str
    locale: str
    notices: bool
    phone: str | None = None
    birth_year: int | None = None
    sex: Sex | None = None
    wanted_role: str | None = None
    doctor: str | None = None
    password: bool
    provider: str | None = None
    second_factor: bool
    recovery_codes_left: int = 0
    known_browsers: int


class FiledConsent(Filed):
    """`version`: of the text that was shown, `company`: that it named. `way`: `console`; another
    `client`; `photo`: with one photo, the `finding`; by a program's `key`; `fhir`.
    """

    purpose: str
    given: bool
    at: datetime
    version: int | None = None
    language: str | None = None
    company: str | None = None
    by: str
    way: str
    finding: str | None = None


class FiledConsents(Filed):
    """What counts now, and what was said when, the oldest first."""

    current: Mapping[str, bool]
    history: Sequence[FiledConsent] = ()


class FiledSession(Filed):
    """`client`: as the browser or program named itself."""

    id: str
    created_at: datetime
    used_at: datetime
    expires_at: datetime
    client: str | None = None
    provider: str | None = None


class FiledKey(Filed):
    """`hint`: the end of the secret, which is not stored."""

    id: str
    created_at: datetime
    name: str
    hint: str
    kind: str
    scopes: Sequence[str]
    ends_at: datetime | None = None
    addresses: Sequence[str] = ()
    quota: int | None = None
    uses: int = 0
    used_at: datetime | None = None
    revoked_at: datetime | None = None


class FiledSpot(Filed):
    """`opened_at`: when its owner last opened it and something in it was new."""

    id: str
    created_at: datetime
    place: Place | None = None
    name: str | None = None
    remind_at: datetime | None = None
    reminded: str | None = None
    opened_at: datetime | None = None


class FiledPhoto(Filed):
    """`shown`: whether it is the one that the lists show."""

    path: str
    place: int
    shown: bool
    missing: Literal["damaged", "lost"] | None = None


class FiledReport(Filed):
    """A report that was issued. `hash`: by which the server verifies it. `spot_version`: of the
    spot, that it says.
    """

    language: str
    reader: str
    hash: str
    issued_at: datetime
    spot_version: int


class FiledReview(Filed):
    """`signature`: the doctor's name at that time. `spot_version`: that of the spot which it has
    made.
    """

    id: str
    created_at: datetime
    doctor: str
    signature: str
    spot_version: int
    voided: bool = False
    opinion: Opinion
    note: str | None = None


class FiledLetter(Filed):
    id: str
    created_at: datetime
    doctor: str
    signature: str | None
    signed_at: datetime
    reader: Addressee
    language: Language
    decision: str = ""
    text: str
    model: str | None = None
    version: int
    spot_version: int
    withdrawn: Withdrawal | None = None


class FiledVersion(Filed):
    """What the photo was answered with before it was judged again."""

    version: int
    judged_at: datetime
    judged_by: str | None = None
    corrected: Sequence[str] = ()
    finding: Finding
    context: Context
    sections: Mapping[str, str]
    narrative_source: Mapping[str, str | None]


class FiledAmendment(Filed):
    """A correction of what was told, for which nothing was judged again; `before` was told."""

    version: int
    amended_at: datetime
    by: str | None = None
    before: Mapping[str, str | None]


class FiledFinding(Filed):
    """What was found on one photo or several, what its owner told, and what doctors have signed, as
    its owner may know it now. `sections`: the text as it was answered. `filed_by`: who has sent it
    for its owner. `level` is how urgent it is.
    `changes`: what comparisons with earlier photos have found.
    """

    id: str
    number: int
    created_at: datetime
    language: Language
    finding: Finding
    context: Context
    sections: Mapping[str, str]
    narrative_source: Mapping[str, str | None]
    decision: Decision | None
    lesion: str
    source: Source | None = None
    version: int = 1
    judged_at: datetime | None = None
    judged_by: str | None = None
    corrected: Sequence[str] = ()
    earlier: Sequence[FiledVersion] = ()
    amendments: Sequence[FiledAmendment] = ()
    filed_by: str | None = None
    level: Level
    changes: Sequence[MeasuredChange] = ()
    photos: Sequence[FiledPhoto] = ()
    reports: Sequence[FiledReport] = ()
    reviews: Sequence[FiledReview] = ()
    letters: Sequence[FiledLetter] = ()


class FiledInError(Filed):
    """A finding that a doctor has entered in error, and why."""

    number: int
    created_at: datetime
    entered_at: datetime
    reason: str


class FiledMessage(Filed):
    """`signature`: the name of a doctor who wrote it. `seen_at`: when it was first on the screen of
    the doctor. `read_at`: when it was read; of a patient's, answered or marked as done.
    """

    id: str
    created_at: datetime
    lesion: str | None = None
    author: str
    signature: str | None = None
    text: str
    seen_at: datetime | None = None
    read_at: datetime | None = None
    submission: str | None = None


class FiledAuditRow(Filed):
    """Who did what. `by`: `me`, or the role of another: `user` (a patient), `doctor`, `researcher`,
    `admin`, `program`, `system`, `anonymous`, or `deleted`, of an account that is gone. `name`: of
    another person who has looked. `finding`: its number.
    """

    id: str
    at: datetime
    action: str
    by: str
    name: str | None = None
    finding: int | None = None


class FiledNotice(Filed):
    """A mail to the person: it waits, or was sent in the last day."""

    created_at: datetime
    kind: str
    due_at: datetime | None = None
    sent_at: datetime | None = None


class FiledJob(Filed):
    id: str
    created_at: datetime
    kind: str
    status: str
    request: Mapping[str, Any]
    completed_at: datetime | None = None
