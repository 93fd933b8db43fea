from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, Literal


@dataclass(frozen=True, slots=True)
class ReplacedStatement:
    """What counts, or what the table of `conditions` asks for; who said it, and when. `voided`: a
    review that was taken back at `said_at` has set it.
    """

    said_by: Literal["review", "comparison", "model", "conditions", "voided"]
    urgency: str
    label: str | None = None
    doctor: str | None = None
    said_at: datetime | None = None

    def __str__(self) -> str:
        by = "a review that was taken back" if self.said_by == "voided" else f"the {self.said_by}"
        said = [self.label, self.urgency, self.doctor or f"by {by}"]
        if self.said_at:
            said.append(f"{self.said_at:%Y-%m-%d}")
        return ", ".join(filter(None, said))


@dataclass(frozen=True, slots=True)
class PresentSpot:
    """A spot as it is now, for who has seen another version of it. `urgency` is that of its
    instruction, and `changed_by` what has changed the spot last.
    """

    version: int
    urgency: str | None
    said_by: Literal["review", "comparison", "model"] | None
    since: datetime | None
    due: date | None
    changed_by: str | None
    changed_at: datetime | None


class SkinAPIError(Exception):
    """The root of all errors. Raised directly, it is an internal error without details."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    sentence: ClassVar[str] = "Internal server error"

    def __init__(self, sentence: str | None = None, *, retry_after: int | None = None) -> None:
        self.detail = sentence or self.sentence
        self.retry_after = retry_after
        super().__init__(self.detail)


class BadRequest(SkinAPIError):
    status, code, sentence = 400, "bad_request", "The request could not be understood"


class InvalidBody(BadRequest):
    code, sentence = "invalid_body", "The request body is not valid"


class InvalidQuery(BadRequest):
    code, sentence = "invalid_query", "The query is not valid"


class TooManyFound(InvalidQuery):
    code, sentence = "too_many_found", "More are found than can be sorted. Type more letters."


class Unauthenticated(SkinAPIError):
    status, code = 401, "unauthenticated"
    sentence = "You are not logged in. Please log in."


class InvalidToken(Unauthenticated):
    code, sentence = "invalid_token", "Your log-in is not valid any more. Please log in again."


class ExpiredToken(Unauthenticated):
    code, sentence = "token_expired", "Your log-in has ended. Please log in again."


class Forbidden(SkinAPIError):
    status, code, sentence = 403, "forbidden", "Your account may not do this."


class AccountNotApproved(Forbidden):
    code, sentence = "account_not_approved", "Account not approved by admin"


class AccountSuspended(Forbidden):
    code, sentence = "account_suspended", "Account suspended by admin"


class AccountRefused(Forbidden):
    code, sentence = "account_refused", "Account not approved by admin"

    def __init__(self, reason: str, note: str | None = None) -> None:
        self.reason, self.note = reason, note
        said = f": {note}" if note else ""
        super().__init__(f"{self.sentence} ({reason.replace('_', ' ')}){said}")


class PasswordChangeRequired(Forbidden):
    code, sentence = "password_change_required", "Choose a password of your own first"

    def __init__(self, page: str) -> None:
        super().__init__(f"{self.sentence}, on the page {page}")


class NotFound(SkinAPIError):
    status, code, sentence = 404, "not_found", "Not found"


class FindingInError(NotFound):
    """`patient` is the id of the account that it was filed for, for doctors only."""

    code = "entered_in_error"
    sentence = "This finding was entered in error: it stands for nothing, and nobody is shown it"

    def __init__(self, reason: str, *, patient: str | None = None) -> None:
        self.reason, self.patient = reason, patient
        super().__init__(f"{self.sentence}. The reason: {reason}")


class MethodNotAllowed(SkinAPIError):
    status, code, sentence = 405, "method_not_allowed", "This address does not take that method"


class Conflict(SkinAPIError):
    status, code, sentence = 409, "conflict", "This clashes with what is already there"


class Duplicate(Conflict):
    code, sentence = "duplicate", "A record with this key exists already"


class Gone(SkinAPIError):
    status, code, sentence = 410, "gone", "This was deleted"


class MilderNotConfirmed(Conflict):
    """`replaces` is the more serious decision that the refused review would replace or revoke."""

    code = "milder_not_confirmed"
    sentence = "This review is milder than what it replaces"

    def __init__(self, replaces: ReplacedStatement) -> None:
        self.replaces = replaces
        super().__init__(f"{self.sentence}: {replaces}. To sign it, send `confirm_milder`: true")


class SpotChanged(Conflict):
    """A doctor signs only what was on the screen, and the spot has changed since then."""

    code = "spot_changed"
    sentence = "The spot has changed since you opened it; open it again"

    def __init__(self, spot: PresentSpot) -> None:
        self.spot = spot
        super().__init__(f"{self.sentence}. Its version is {spot.version} now")


class PatientTaken(Conflict):
    """`doctor` is the name of the doctor in charge. Raised only to a doctor who has read access."""

    code, sentence = "patient_taken", "Another doctor is in charge of this patient by now"

    def __init__(self, doctor: str) -> None:
        self.doctor = doctor
        super().__init__(f"{doctor} is in charge of this patient by now")


class PayloadTooLarge(SkinAPIError):
    status, code, sentence = 413, "payload_too_large", "The request body is too large"

    def __init__(self, sentence: str | None = None, *, largest: int | None = None) -> None:
        self.largest = largest
        super().__init__(sentence)


class UnsupportedMediaType(SkinAPIError):
    status, code = 415, "unsupported_media_type"
    sentence = "Send the body as application/json"


class TooManyRequests(SkinAPIError):
    status, code, sentence = 429, "too_many_requests", "Too many requests; try again later"


class PredictionQuotaReached(TooManyRequests):
    code = "prediction_quota_reached"
    sentence = "Photo limit reached. Try again later."


class RequestTimeout(SkinAPIError):
    status, code = 408, "request_timeout"
    sentence = "The upload took too long. Please try again on a faster connection"


class Unavailable(SkinAPIError):
    status, code, sentence = 503, "unavailable", "The service is busy; try again shortly"

    def __init__(self, sentence: str | None = None, *, retry_after: int = 5) -> None:
        super().__init__(sentence, retry_after=retry_after)


class Starting(Unavailable):
    """Not a fault: every start raises it until the model is open."""

    sentence = "The server is starting: its model is being opened"


class NoModel(Unavailable):
    code = "no_model"
    sentence = "No model is loaded, so no picture can be judged. Tell the operator of this server."


class StoreUnavailable(Unavailable):
    code, sentence = "store_unavailable", "The database cannot be reached; try again shortly"


class StoreRefused(StoreUnavailable):
    """The database answers but rejects the settings, so waiting does not help."""


class DiskFull(StoreUnavailable):
    status, code = 507, "disk_full"
    sentence = "The disk is full; nothing half-written was left behind"


class StoreBusy(StoreUnavailable):
    sentence = "Others are changing the same data; try again shortly"


class RateLimitsUnavailable(StoreUnavailable):
    code = "rate_limits_unavailable"
    sentence = "The store of the rate limits does not answer; try again shortly"


class BlobDamaged(SkinAPIError):
    code, sentence = "blob_damaged", "A stored file no longer matches its checksum"


class RecordDamaged(SkinAPIError):
    code = "record_damaged"
    sentence = (
        "A stored record that is needed here cannot be read. The clinic's administrator sees which "
        "one, and can restore it from a backup"
    )

    def __init__(self, record: tuple[str, str] | None = None) -> None:
        super().__init__()
        self.record = record


class BrokenStore(SkinAPIError):
    code = "broken_store"
    sentence = "Two accounts share one e-mail address"


class BrokenBackup(SkinAPIError):
    code, sentence = "broken_backup", "The backup cannot be restored"

    def __init__(self, what: str) -> None:
        super().__init__(f"The backup cannot be restored: {what}")


class BrokenErasedIds(SkinAPIError):
    code, sentence = "broken_erased_ids", "The list of erased ids cannot be read"


class StoreTooNew(SkinAPIError):
    code = "store_too_new"
    sentence = "The store was written by newer code, which this code cannot read"


class StoreTooOld(SkinAPIError):
    code = "store_too_old"
    sentence = "The store was written by code that is older than this code can read"


class UnsafeSettings(SkinAPIError):
    code, sentence = "unsafe_settings", "The settings are not safe to serve with"


class Unprocessable(SkinAPIError):
    status, code, sentence = 422, "unprocessable", "This was understood but cannot be worked with"


class ChangedMeanwhile(Conflict):
    code = "changed_meanwhile"
    sentence = "Another request has just changed this. Load it again, then try again"


class IdempotencyKeyReused(Unprocessable):
    code = "idempotency_key_reused"
    sentence = "This Idempotency-Key was used for another request; choose a new one"


class UnreadablePicture(Unprocessable):
    code, sentence = "unreadable_picture", "The file could not be read as a picture"


class Refused(Unprocessable):
    """No judgement is possible from this photo. `reason` is a key of `notices.refused` in the
    conditions table, which has the sentence in every language, and `figures` fill its placeholders.
    `question` is what the sender can confirm to have the photo judged anyway.
    """

    code, sentence = "not_judgeable", "The picture cannot be judged"

    def __init__(
        self,
        reason: str,
        sentence: str | None = None,
        *,
        figures: Mapping[str, int] | None = None,
        question: str | None = None,
    ) -> None:
        self.reason = reason
        self.question = question
        self.figures: Mapping[str, int] = figures or {}
        super().__init__(sentence)


class NoOperatingPoints(Unprocessable):
    """A model calibrated by older code has one rule for its bands, and no choice."""

    code = "no_operating_points"
    sentence = "The model has no thresholds for operating points"


class BadDataset(Unprocessable):
    code, sentence = "bad_dataset", "The data set cannot be used"


class BadNetwork(Unprocessable):
    code, sentence = "bad_network", "The network cannot be served"


class UnreadableNetwork(BadNetwork):
    code, sentence = "unreadable_network", "The file is no whole network saved by Keras"


class NetworkRunsCode(BadNetwork):
    code, sentence = "network_runs_code", "The network holds code, and a file's code is not run"


class WrongNetworkInput(BadNetwork):
    code, sentence = "wrong_network_input", "The network's input is not one square RGB picture"


class WrongNetworkHead(BadNetwork):
    code, sentence = "wrong_network_head", "The network does not end in layers that can be served"


class WrongNetworkLabels(BadNetwork):
    code, sentence = "wrong_network_labels", "The labels do not fit the network's outputs"


class ModelDamaged(SkinAPIError):
    code = "model_damaged"
    sentence = "The model's files are incomplete or do not match their checksums"

    def __init__(self, sentence: str | None = None, *, file: str | None = None) -> None:
        self.file = file
        super().__init__(sentence)
