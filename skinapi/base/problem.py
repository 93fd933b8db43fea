"""The one body of errors, and the headers that every answer has.

What nginx answers by itself has the same form: tests compare it with this module. It imports no
Flask.
"""

from http import HTTPStatus

from pydantic import BaseModel, Field

from skinapi.base.errors import (
    AccountJoined,
    AccountRefused,
    FindingInError,
    MilderNotConfirmed,
    PatientTaken,
    PresentSpot,
    Refused,
    ReplacedStatement,
    SkinAPIError,
    SpotChanged,
)

PROBLEM_TYPE = "application/problem+json"
# https://owasp.org/www-project-secure-headers/
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class RefusalOfAccount(BaseModel):
    reason: str
    note: str | None = Field(description="what the admin has added")


class EntryInError(BaseModel):
    reason: str
    patient: str | None = Field(
        default=None,
        exclude_if=lambda patient: patient is None,
        description="to a doctor: the account that it was filed for",
    )


class Problem(BaseModel):
    """An error as in RFC 9457, with its sentence also under each name that a client reads."""

    # https://www.rfc-editor.org/rfc/rfc9457 defines `detail`; existing clients read `error`,
    # `message` or `msg`.

    type: str = Field(description="about:blank: the code says which problem it is")
    title: str
    status: int
    detail: str
    code: str = Field(description="stable, for programs")
    request_id: str | None
    question: str | None = Field(
        default=None,
        exclude_if=lambda question: question is None,
        description="`skin`: whether the photo shows the spot, to a sender who asked with "
        "`skin=ask`; with `skin=confirmed` it is judged. Absent where nothing is asked",
    )
    refusal: RefusalOfAccount | None = Field(
        default=None,
        exclude_if=lambda refusal: refusal is None,
        description="of `account_refused`: why the account was not approved",
    )
    doctor: str | None = Field(
        default=None,
        exclude_if=lambda doctor: doctor is None,
        description="of `patient_taken`: the name of the doctor in charge",
    )
    log_in: str | None = Field(
        default=None,
        exclude_if=lambda log_in: log_in is None,
        description="of `account_joined`: the e-mail of the account that stays",
    )
    in_error: EntryInError | None = Field(
        default=None,
        exclude_if=lambda in_error: in_error is None,
        description="of `entered_in_error`",
    )
    replaces: ReplacedStatement | None = Field(
        default=None,
        exclude_if=lambda replaces: replaces is None,
        description="of `milder_not_confirmed`: what the review is milder than, or takes back",
    )
    spot: PresentSpot | None = Field(
        default=None,
        exclude_if=lambda spot: spot is None,
        description="of `spot_changed`: the spot as it is now",
    )
    error: str
    message: str
    msg: str


def problem_of(
    error: SkinAPIError, *, request_id: str | None, status: int | None = None
) -> Problem:
    """The body for this error. `status` replaces the error's own."""
    status = status or error.status
    return Problem(
        type="about:blank",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=error.detail,
        code=error.code,
        request_id=request_id,
        question=error.question if isinstance(error, Refused) else None,
        refusal=_refusal_of(error),
        doctor=error.doctor if isinstance(error, PatientTaken) else None,
        log_in=error.log_in if isinstance(error, AccountJoined) else None,
        in_error=_entry_of(error),
        replaces=error.replaces if isinstance(error, MilderNotConfirmed) else None,
        spot=error.spot if isinstance(error, SpotChanged) else None,
        error=error.detail,
        message=error.detail,
        msg=error.detail,
    )


def _refusal_of(error: SkinAPIError) -> RefusalOfAccount | None:
    if isinstance(error, AccountRefused):
        return RefusalOfAccount(reason=error.reason, note=error.note)
    return None


def _entry_of(error: SkinAPIError) -> EntryInError | None:
    if isinstance(error, FindingInError):
        return EntryInError(reason=error.reason, patient=error.patient)
    return None
