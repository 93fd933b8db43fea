"""The LLM's narrative, by OpenRouter's chat completions: asked within one deadline, and believed
in nothing."""

import hashlib
import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Annotated, Any

from pydantic import BaseModel, StringConstraints, ValidationError

from skinapi.reports.errors import NarrativeUnavailable
from skinapi.reports.facts import Facts
from skinapi.reports.llm.budget import CircuitBreaker, DailyBudget
from skinapi.reports.llm.cache import NarrativeCache
from skinapi.reports.llm.http_client import LlmHttpClient, Reply
from skinapi.reports.llm.prompt import instructions, read_draft, request_for, room_beside
from skinapi.reports.narrative import Narrative, Reason, Source, Writer
from skinapi.reports.text.checker import contradictions
from skinapi.reports.text.template import TemplateWriter
from skinapi.vision.conditions import LANGUAGES, Language

OK = 200
ATTEMPTS = 3
PAUSE_S = 0.5
PASSING = frozenset({408, 429, 502, 503})
REASONS: Mapping[int, Reason] = {
    401: Reason.KEY_REFUSED,
    402: Reason.NO_CREDIT,
    429: Reason.RATE_LIMITED,
}
# Of these the provider knows nothing: they are no failures of its own.
OURS = frozenset({Reason.BUSY, Reason.BUDGET})

ModelName = Annotated[str, StringConstraints(pattern=r"^[\w./:@-]{1,100}$")]


class _Error(BaseModel):
    code: int = 502


class _Message(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    message: _Message | None = None
    finish_reason: str | None = None
    error: _Error | None = None


class _Completion(BaseModel):
    """An error may arrive in an answer of 200, at the top or in the choice."""

    model: ModelName | None = None
    choices: list[_Choice] = []
    error: _Error | None = None

    @property
    def failure(self) -> int | None:
        errors = [self.error, *(choice.error for choice in self.choices)]
        return next((error.code for error in errors if error), None)

    @property
    def content(self) -> str | None:
        """None where it broke off, or never began."""
        whole = (choice for choice in self.choices[:1] if choice.finish_reason == "stop")
        return next((choice.message.content for choice in whole if choice.message), None)


class OpenRouterWriter:
    def __init__(
        self,
        *,
        line: LlmHttpClient,
        models: list[str],
        deadline_s: float,
        cache: NarrativeCache,
        budget: DailyBudget,
    ) -> None:
        self._line = line
        self._models = models
        self._deadline_s = deadline_s
        self._budget = budget
        self._breaker = CircuitBreaker()
        self._cache = cache
        self._fingerprint = _fingerprint(models)
        self._template = TemplateWriter()

    def write(self, facts: Facts, language: Language) -> Narrative:
        """Raises NarrativeUnavailable with the reason, within the deadline."""
        until = time.monotonic() + self._deadline_s
        if not facts.examined:
            raise NarrativeUnavailable(Reason.NOTHING_EXAMINED)
        kept = self._cache.find(facts, language, self._fingerprint)
        if kept:
            return kept
        room = room_beside(self._template.write(facts, language))
        self._breaker.admit()
        try:
            narrative = self._ask(facts, language, room, until)
        except NarrativeUnavailable as unwritten:
            if unwritten.reason not in OURS:
                self._breaker.tell(well=False)
            raise
        self._breaker.tell(well=True)
        return self._cache.keep(facts, narrative, self._fingerprint)

    def _ask(self, facts: Facts, language: Language, room: int, until: float) -> Narrative:
        body = request_for(facts, language, models=self._models, room=room)
        completion = self._converse(body, until)
        content, model = completion.content, completion.model
        if content is None or model is None:
            raise NarrativeUnavailable(Reason.MALFORMED)
        draft = read_draft(content, language)
        source = Source(writer=Writer.LLM, model=model)
        written = self._template.write(facts, language, draft.added())
        for wrong in contradictions(written, facts):
            raise NarrativeUnavailable(wrong)
        return written.model_copy(update={"source": source})

    def _converse(self, body: Mapping[str, Any], until: float) -> _Completion:
        """What passes is tried again, as soon as it may be and while there is time."""
        attempt = 0
        while True:
            self._budget.spend()
            reply = self._line.ask(body, until=until)
            completion = _completion_of(reply)
            status = completion.failure if reply.status == OK else reply.status
            if status is None:
                return completion
            pause, attempt = _pause(reply.retry_after, attempt), attempt + 1
            in_vain = status not in PASSING or attempt == ATTEMPTS
            if in_vain or time.monotonic() + pause >= until:
                raise NarrativeUnavailable(REASONS.get(status, Reason.PROVIDER))
            time.sleep(pause)


def _completion_of(reply: Reply) -> _Completion:
    if reply.status != OK:
        return _Completion()
    try:
        return _Completion.model_validate_json(reply.content)
    except ValidationError as error:
        raise NarrativeUnavailable(Reason.MALFORMED) from error


def _pause(retry_after: str | None, attempt: int) -> float:
    """Seconds, as the provider says in seconds or as a date, else by our own habit."""
    habit = PAUSE_S * (1 << attempt)
    if not retry_after:
        return habit
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after[:9])
    try:
        moment = parsedate_to_datetime(retry_after)
    except ValueError:
        return habit
    return max(0.0, (moment - datetime.now(UTC)).total_seconds()) if moment.tzinfo else habit


def _fingerprint(models: list[str]) -> str:
    """Other models or instructions give other words."""
    asked = [models, *(instructions(language, 0) for language in LANGUAGES)]
    return f"llm-{hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:16]}"
