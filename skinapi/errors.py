"""Every way a request can fail: each error knows its status, its code and its sentence."""

from collections.abc import Mapping
from typing import ClassVar


class SkinAPIError(Exception):
    """The root of the tree. Raised bare it is our own fault, and says no more than that."""

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


class Unauthenticated(SkinAPIError):
    status, code = 401, "unauthenticated"
    sentence = "Missing Authorization Header. Please log in again."


class InvalidToken(Unauthenticated):
    code, sentence = "invalid_token", "Invalid token. Please log in again."


class ExpiredToken(Unauthenticated):
    code, sentence = "token_expired", "Token has expired. Please log in again."


class InvalidRefreshToken(Unauthenticated):
    code = "invalid_refresh_token"
    sentence = "This refresh token is not valid any more. Please log in again."


class InvalidCredentials(Unauthenticated):
    code, sentence = "invalid_credentials", "Invalid credentials"


class Forbidden(SkinAPIError):
    status, code, sentence = 403, "forbidden", "Unauthorized"


class AccountNotApproved(Forbidden):
    code, sentence = "account_not_approved", "Account not approved by admin"


class AccountSuspended(Forbidden):
    code, sentence = "account_suspended", "Account suspended by admin"


class PasswordChangeRequired(Forbidden):
    """`page` is the address of the page to do it on."""

    code, sentence = "password_change_required", "Choose a password of your own first"

    def __init__(self, page: str) -> None:
        super().__init__(f"{self.sentence}, on the page {page}")


class InitialPasswordExpired(Forbidden):
    code = "initial_password_expired"
    sentence = "This initial password has expired. Ask an admin for a new one"


class NotFound(SkinAPIError):
    status, code, sentence = 404, "not_found", "Not found"


class MethodNotAllowed(SkinAPIError):
    status, code, sentence = 405, "method_not_allowed", "This address does not take that method"


class NoSuchLanguage(SkinAPIError):
    status, code = 406, "no_such_language"
    sentence = "There are no words in this language; the languages are"


class Conflict(SkinAPIError):
    status, code, sentence = 409, "conflict", "This clashes with what is already there"


class EmailTaken(Conflict):
    code, sentence = "email_taken", "Email already registered"


class LastAdmin(Conflict):
    code = "last_admin"
    sentence = "The last admin cannot be removed, demoted or suspended"


class ConcurrentChange(Conflict):
    """A compare-and-set lost its race: read again and retry."""

    code, sentence = "stale", "The record changed in the meantime; try again"


class Duplicate(Conflict):
    """A unique index refused a document."""

    code, sentence = "duplicate", "A record with this key exists already"


class PayloadTooLarge(SkinAPIError):
    """`largest` is the most bytes that a photo may have, where it is a photo that is too large."""

    status, code, sentence = 413, "payload_too_large", "The request body is too large"

    def __init__(self, sentence: str | None = None, *, largest: int | None = None) -> None:
        self.largest = largest
        super().__init__(sentence)


class UnsupportedMediaType(SkinAPIError):
    status, code = 415, "unsupported_media_type"
    sentence = "Send the body as application/json"


class TooManyRequests(SkinAPIError):
    status, code, sentence = 429, "too_many_requests", "Too many requests; try again later"


class TooManyGuesses(TooManyRequests):
    code = "too_many_guesses"
    sentence = "Too many wrong passwords; try again later, or from where you logged in before"


class PredictionQuotaReached(TooManyRequests):
    code = "prediction_quota_reached"
    sentence = "Daily photo limit reached. Please try again later"


class RequestTimeout(SkinAPIError):
    status, code = 408, "request_timeout"
    sentence = "The upload took too long. Please try again on a faster connection"


class Unavailable(SkinAPIError):
    status, code, sentence = 503, "unavailable", "The service is busy; try again shortly"

    def __init__(self, sentence: str | None = None, *, retry_after: int = 5) -> None:
        super().__init__(sentence, retry_after=retry_after)


class NoModel(Unavailable):
    code = "no_model"
    sentence = "No model is loaded, so no picture can be judged; the operator can set MODEL_PATH"


class StoreUnavailable(Unavailable):
    code, sentence = "store_unavailable", "The database cannot be reached; try again shortly"


class DiskFull(StoreUnavailable):
    status, code = 507, "disk_full"
    sentence = "The disk is full; nothing half-written was left behind"


class NarrativeUnavailable(Unavailable):
    """The LLM wrote no narrative that may be used; `reason` is one of the reports' closed set. The
    template writes then, so no client ever sees this.
    """

    code, sentence = "unwritten", "The report could not be put into other words"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__()


class BlobDamaged(SkinAPIError):
    code, sentence = "blob_damaged", "A stored file no longer matches its checksum"


class BrokenStore(SkinAPIError):
    code = "broken_store"
    sentence = "Two accounts share one e-mail: run `python -m skinapi check --repair`"


class UnsafeSettings(SkinAPIError):
    """The server refuses to start like this; the sentence says what to set."""

    code, sentence = "unsafe_settings", "The settings are not safe to serve with"


class Unprocessable(SkinAPIError):
    status, code, sentence = 422, "unprocessable", "This was understood but cannot be worked with"


class IdempotencyKeyReused(Unprocessable):
    code = "idempotency_key_reused"
    sentence = "This Idempotency-Key was used for another request; choose a new one"


class UnreadablePicture(Unprocessable):
    code, sentence = "unreadable_picture", "The file could not be read as a picture"


class Refused(Unprocessable):
    """No judgement is possible from this photo; `reason` is a key of the conditions table's
    `notices.refused`, where the sentence stands in every language, and `figures` are what it names
    in braces.
    """

    code, sentence = "not_judgeable", "The picture cannot be judged"

    def __init__(
        self, reason: str, sentence: str | None = None, *, figures: Mapping[str, int] | None = None
    ) -> None:
        self.reason = reason
        self.figures = figures or {}
        super().__init__(sentence)


class Undecided(Unprocessable):
    """The photo was judged, but the client asked can only show a class, and that would read as
    harmless; the sentence says what is not excluded and how soon to see a doctor.
    """

    code, sentence = "undecided", "No single answer can be given"


class BadDataset(Unprocessable):
    """Nothing is trained or measured on it; the sentence says what is wrong with it."""

    code, sentence = "bad_dataset", "The data set cannot be used"


class BadNetwork(Unprocessable):
    """A network that cannot be served; the sentence says what is expected."""

    code, sentence = "bad_network", "The network cannot be served"


class ModelDamaged(SkinAPIError):
    """`file` is the one at fault, where one alone is."""

    code = "model_damaged"
    sentence = "The model's files are incomplete or do not match their checksums"

    def __init__(self, sentence: str | None = None, *, file: str | None = None) -> None:
        self.file = file
        super().__init__(sentence)


class StorageQuotaReached(SkinAPIError):
    status, code = 507, "storage_quota_reached"
    sentence = "This account keeps as many findings as it may; delete some, then try again"
