"""A client of https://openrouter.ai/docs/api-reference/chat-completion with a deadline, a daily
budget, a tenth of it for each account, and a circuit breaker. Answers are not trusted.
"""

import hashlib
import json
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, Field, StringConstraints, ValidationError

from skinapi.base.errors import SkinAPIError
from skinapi.base.http_client import CallFailed, HttpClient, HttpReply, Request
from skinapi.findings.reports.report import NarrativeUnavailable, Unwritten
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Ops, Store

OK = 200
MOST_AT_ONCE = 4  # in a process
LARGEST_ANSWER = 64 * 1024
ATTEMPTS = 3
PAUSE_S = 0.5
SEED = 7
MOST_FAILURES = 3
COOLDOWN_S = 60.0
CALLS = "llm_calls"
SHARES, LEAST_SHARE_OF_ONE = 10, 10  # an account gets a tenth, at least so many requests
RETRYABLE = frozenset({408, 429, 502, 503})
REASON_BY_STATUS: Mapping[int, Unwritten] = {
    401: Unwritten.KEY_REFUSED,
    402: Unwritten.NO_CREDIT,
    429: Unwritten.RATE_LIMITED,
}
# These do not count as failures of the provider: no request was sent, or a single answer was
# unusable.
NO_FAILURE = frozenset({Unwritten.BUSY, Unwritten.BUDGET, Unwritten.MALFORMED})

T = TypeVar("T")
A = TypeVar("A", bound=BaseModel)
# With {1,100} in the pattern, pydantic would use 10 MB for compiled character classes.
ModelName = Annotated[str, StringConstraints(pattern=r"^[\w./:@-]+$", max_length=100)]


class _Error(BaseModel):
    code: int = 502


class _Message(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    message: _Message | None = None
    finish_reason: str | None = None
    error: _Error | None = None


class _Usage(BaseModel):
    total_tokens: int = Field(default=0, ge=0, le=10**7)


class _Completion(BaseModel):
    model: ModelName | None = None
    choices: list[_Choice] = []
    error: _Error | None = None
    usage: _Usage | None = None

    @property
    def failure(self) -> int | None:
        errors = [self.error, *(choice.error for choice in self.choices)]
        return next((error.code for error in errors if error), None)

    @property
    def content(self) -> str | None:
        complete = (choice for choice in self.choices[:1] if choice.finish_reason == "stop")
        return next((choice.message.content for choice in complete if choice.message), None)


@dataclass(frozen=True)
class Question:
    name: str
    instructions: str
    sent: Mapping[str, Any]
    schema: Mapping[str, Any]
    most_tokens: int


@dataclass(frozen=True)
class Reading(Generic[T]):
    answer: T
    model: str
    tokens: int


class CircuitBreaker:
    """Blocks for a minute after three failures in a row. Then a single request tests the LLM."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures = 0
        self._open_until = 0.0

    def admit(self) -> None:
        with self._lock:
            if self._failures < MOST_FAILURES:
                return
            if time.monotonic() < self._open_until:
                raise NarrativeUnavailable(Unwritten.RESTING)
            # Only this caller sends the test request; the others wait for another minute.
            self._open_until = time.monotonic() + COOLDOWN_S

    def record(self, *, success: bool) -> None:
        with self._lock:
            self._failures = 0 if success else self._failures + 1
            if self._failures == MOST_FAILURES:
                self._open_until = time.monotonic() + COOLDOWN_S


class DailyBudget:
    """The requests of a day (UTC), across workers and restarts."""

    def __init__(self, store: Store, *, most: int) -> None:
        self._counts = store.collection(CALLS)
        self._counts.expire_by("expires_at")
        self._most = most

    def spend(self, account: str | None = None) -> None:
        today = now().date().isoformat()
        if account:
            # The hash hides whose count it is.
            owner = hashlib.sha256(f"{today} {account}".encode()).hexdigest()[:32]
            self._count(f"{today}-{owner}", max(self._most // SHARES, LEAST_SHARE_OF_ONE))
        self._count(today, self._most)

    def _count(self, identifier: str, most: int) -> None:
        ops: Ops = {
            "$inc": {"value": 1},
            "$set": {"schema": 1, "expires_at": now() + timedelta(days=2)},
        }
        counted = self._counts.update({"id": identifier}, ops, upsert=True)
        if (counted["value"] if counted else 1) > most:
            raise NarrativeUnavailable(Unwritten.BUDGET)


class OpenRouterClient:
    def __init__(self, *, url: str, key: str, models: list[str], budget: DailyBudget) -> None:
        self._client = HttpClient(url, most_at_once=MOST_AT_ONCE, largest_answer=LARGEST_ANSWER)
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self.models = models
        self._budget = budget
        self._breaker = CircuitBreaker()

    def ask(
        self,
        question: Question,
        read: Callable[[str], T],
        *,
        deadline: float,
        models: Sequence[str] = (),
        account: str | None = None,
    ) -> Reading[T]:
        """Raise NarrativeUnavailable at the latest at `deadline` (of `time.monotonic`)."""
        self._breaker.admit()
        body = self._body(question, models or self.models)
        try:
            answer = self._ask_and_read(body, read, deadline, account)
        except NarrativeUnavailable as unwritten:
            if unwritten.reason not in NO_FAILURE:
                self._breaker.record(success=False)
            raise
        except SkinAPIError:  # the store, not the LLM
            raise
        except Exception:
            self._breaker.record(success=False)
            raise
        self._breaker.record(success=True)
        return answer

    def _ask_and_read(
        self,
        body: Mapping[str, Any],
        read: Callable[[str], T],
        deadline: float,
        account: str | None,
    ) -> Reading[T]:
        completion = self._request(body, deadline, account)
        content, answered = completion.content, completion.model
        if content is None or answered is None:
            raise NarrativeUnavailable(Unwritten.MALFORMED)
        tokens = completion.usage.total_tokens if completion.usage else 0
        return Reading(read(content), configured_model(answered, body["models"]), tokens)

    def _body(self, question: Question, models: Sequence[str]) -> dict[str, Any]:
        sent = json.dumps(question.sent, ensure_ascii=False)
        schema = {"name": question.name, "strict": True, "schema": question.schema}
        return {
            "models": [*models],
            "messages": [
                {"role": "system", "content": question.instructions},
                {"role": "user", "content": sent},
            ],
            "response_format": {"type": "json_schema", "json_schema": schema},
            # Without `require_parameters`, a provider may ignore unknown parameters such as the
            # schema. `zdr` means zero data retention.
            # https://openrouter.ai/docs/features/provider-routing
            "provider": {"require_parameters": True, "data_collection": "deny", "zdr": True},
            "temperature": 0,
            "seed": SEED,
            "max_tokens": question.most_tokens,
        }

    def _request(
        self, body: Mapping[str, Any], deadline: float, account: str | None
    ) -> _Completion:
        attempt = 0
        while True:
            self._budget.spend(account)
            reply = self._send(body, deadline)
            completion = _Completion()
            if reply.status == OK:
                completion = read_answer(_Completion, reply.content)
            status = completion.failure if reply.status == OK else reply.status
            if status is None:
                return completion
            pause, attempt = _pause(reply.headers.get("retry-after"), attempt), attempt + 1
            final = status not in RETRYABLE or attempt == ATTEMPTS
            if final or time.monotonic() + pause >= deadline:
                raise NarrativeUnavailable(REASON_BY_STATUS.get(status, Unwritten.PROVIDER))
            time.sleep(pause)

    def _send(self, body: Mapping[str, Any], deadline: float) -> HttpReply:
        """Fail at once if all slots are in use, because the template can write immediately."""
        content = json.dumps(body).encode()
        request = Request("POST", "/chat/completions", self._headers, content)
        try:
            return self._client.send(request, deadline=deadline)
        except CallFailed as failed:
            raise NarrativeUnavailable(Unwritten(failed.fault)) from failed


def configured_model(answered: str, configured: Sequence[str]) -> str:
    """Return the configured name for a longer, dated one. The provider's text is never printed."""
    fitting = [name for name in configured if re.match(rf"{re.escape(name)}(?![\w.])", answered)]
    return max(fitting, key=len) if fitting else " / ".join(configured)


def closed_object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": [*properties],
        "additionalProperties": False,
    }


def read_answer(kind: type[A], content: str | bytes) -> A:
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        raise NarrativeUnavailable(Unwritten.MALFORMED) from error


def _pause(retry_after: str | None, attempt: int) -> float:
    if retry_after and retry_after.isascii() and retry_after.isdigit():
        return float(retry_after[:9])
    return PAUSE_S * (1 << attempt)
