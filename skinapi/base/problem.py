"""The body of all errors, and the headers of every answer.

Errors from nginx have the same form, which tests compare with this module. It does not import
Flask.
"""

from http import HTTPStatus

from pydantic import BaseModel, Field

from skinapi.base.errors import (
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
from skinapi.base.stored_record import optional

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
    patient: str | None = optional(
        "to a doctor: the account that it was filed for",
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
    question: str | None = optional(
        "`skin`: whether the photo shows the spot, to a sender who asked with "
        "`skin=ask`; with `skin=confirmed` it is judged. Absent where nothing is asked",
    )
    refusal: RefusalOfAccount | None = optional(
        "of `account_refused`: why the account was not approved",
    )
    doctor: str | None = optional(
        "of `patient_taken`: the name of the doctor in charge",
    )
    in_error: EntryInError | None = optional(
        "of `entered_in_error`",
    )
    replaces: ReplacedStatement | None = optional(
        "of `milder_not_confirmed`: what the review is milder than, or takes back",
    )
    spot: PresentSpot | None = optional(
        "of `spot_changed`: the spot as it is now",
    )
    error: str
    message: str
    msg: str


# The errors that say more than a sentence, and the field that says it.
FACTS: dict[type[SkinAPIError], str] = {
    Refused: "question",
    PatientTaken: "doctor",
    MilderNotConfirmed: "replaces",
    SpotChanged: "spot",
}


def problem_of(
    error: SkinAPIError, *, request_id: str | None, status: int | None = None
) -> Problem:
    status = status or error.status
    facts = {name: getattr(error, name) for kind, name in FACTS.items() if isinstance(error, kind)}
    if isinstance(error, AccountRefused):
        facts["refusal"] = RefusalOfAccount(reason=error.reason, note=error.note)
    if isinstance(error, FindingInError):
        facts["in_error"] = EntryInError(reason=error.reason, patient=error.patient)
    return Problem(
        type="about:blank",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=error.detail,
        code=error.code,
        request_id=request_id,
        error=error.detail,
        message=error.detail,
        msg=error.detail,
        **facts,
    )
