"""Chooses the writer of a narrative: the LLM if it is requested, allowed and available, otherwise
the template. The LLM chooses reviewed sentences by their ids.

Its choice is stored, so that the same facts give the same text. A stored choice has no owner. It
belongs to the facts of one person's finding, so deleting a submission or an account also deletes
the choices made for it. If the store failed before the facts were stored as a submission, no
deletion would find their choice. So every choice expires.
"""

import hashlib
import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, partial

from skinapi.base.errors import Duplicate, SkinAPIError
from skinapi.base.languages import LANGUAGES, Language
from skinapi.base.logs import log, log_fault
from skinapi.base.settings import Settings
from skinapi.findings.records.submission import Submission
from skinapi.findings.reports.facts import Facts
from skinapi.findings.reports.openrouter import DailyBudget, OpenRouterClient
from skinapi.findings.reports.prompt import (
    RemarkChoice,
    free_characters,
    instructions,
    make_question,
    possible_remarks,
    read_draft,
    write_remarks,
)
from skinapi.findings.reports.report import Narrative, NarrativeUnavailable, Reason, Source, Writer
from skinapi.findings.reports.template import write_template
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.ports import Filter, Store

CONSENT = "llm"
NARRATIVE_LIFETIME = timedelta(days=90)
LLM_DEADLINE_S = 8.0  # that one narrative may wait for the LLM, all attempts together
NOT_ASKED = (Reason.NO_KEY, Reason.NO_CONSENT)
NO_CONSENTS: Mapping[str, bool] = {}


class NarrativeCache:
    def __init__(self, store: Store) -> None:
        self._documents = store.collection("narratives")
        self._documents.ensure_index("facts_hash", "language", "writer", unique=True)
        self._documents.ensure_index("facts_hash")
        self._documents.expire_by("expires_at")

    def find(self, facts: Facts, language: Language, writer: str) -> RemarkChoice | None:
        """`writer` is a fingerprint of what else it depends on: models and instructions."""
        rows = self._documents.find(_key(facts, language, writer), limit=1)
        return RemarkChoice.model_validate(rows[0]["choice"]) if rows else None

    def keep(
        self, facts: Facts, language: Language, writer: str, choice: RemarkChoice
    ) -> RemarkChoice:
        """Store a choice and return it. If another request was faster, return its choice."""
        moment, key = now(), _key(facts, language, writer)
        row = {
            "id": new_id(),
            "schema": 1,
            "created_at": moment,
            "expires_at": moment + NARRATIVE_LIFETIME,
        }
        with suppress(Duplicate):
            self._documents.insert({**row, **key, "choice": choice.stored()})
            return choice
        return self.find(facts, language, writer) or choice

    def forget(self, submission: Submission) -> None:
        """Delete the choices made for these facts, in every language and of every writer."""
        for finding in (submission.finding, submission.finding.by_own_mix()):
            facts = Facts.of(finding, submission.context)
            self._documents.delete({"facts_hash": facts.hash})


def _key(facts: Facts, language: Language, writer: str) -> Filter:
    return {"facts_hash": facts.hash, "language": language, "writer": writer}


@dataclass(frozen=True, slots=True)
class Narrator:
    """Writes narratives. Without `llm` the template writes all of them."""

    llm: OpenRouterClient | None
    cache: NarrativeCache

    @property
    def has_llm(self) -> bool:
        return self.llm is not None

    def narrate(
        self,
        *,
        facts: Facts,
        language: Language,
        llm: bool = False,
        consents: Mapping[str, bool] = NO_CONSENTS,
    ) -> Narrative:
        """Write the narrative of these facts. There is always a result.

        `llm` requests the LLM. It is used only with the operator's key and with the consent of the
        owner of the facts. If it fails, the template writes, and `source` holds the reason.
        """
        if not llm:
            return write_template(facts, language)
        try:
            return self._write(require_llm(self.llm, consents), facts, language)
        except Exception as fault:  # noqa: BLE001 (no fault of a writer may cost the text)
            source = Source(reason=why_unwritten(fault, language))
        return write_template(facts, language).model_copy(update={"source": source})

    def _write(self, llm: OpenRouterClient, facts: Facts, language: Language) -> Narrative:
        """Let the LLM choose sentences, or take its stored choice."""
        deadline = time.monotonic() + LLM_DEADLINE_S
        if not facts.examined:
            raise NarrativeUnavailable(Reason.NOTHING_EXAMINED)
        room = free_characters(write_template(facts, language))
        key = _fingerprint(tuple(llm.models))
        choice = self.cache.find(facts, language, key)
        if choice is None:
            choice = _choose(llm, facts, language, room, deadline)
            choice = self.cache.keep(facts, language, key, choice)
        added = write_remarks(choice, facts, language, room=room)
        source = Source(writer=Writer.LLM, model=choice.model)
        return write_template(facts, language, added).model_copy(update={"source": source})


def _choose(
    llm: OpenRouterClient, facts: Facts, language: Language, room: int, deadline: float
) -> RemarkChoice:
    possible = possible_remarks(facts, language, room=room)
    question = make_question(facts, language, possible=possible)
    read = partial(read_draft, possible=possible)
    draft, model = llm.ask(question, read, deadline=deadline)
    return RemarkChoice(**dict(draft), model=model)


@cache
def _fingerprint(models: tuple[str, ...]) -> str:
    """The key of stored choices: other models or other instructions give another one."""
    asked = [models, *map(instructions, LANGUAGES)]
    return f"llm-{hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:16]}"


def require_llm(llm: OpenRouterClient | None, consents: Mapping[str, bool]) -> OpenRouterClient:
    """Raises NarrativeUnavailable without the operator's key, or without the owner's consent."""
    if llm is None:
        raise NarrativeUnavailable(Reason.NO_KEY)
    if not consents.get(CONSENT, False):
        raise NarrativeUnavailable(Reason.NO_CONSENT)
    return llm


def why_unwritten(fault: Exception, language: Language) -> Reason:
    """Why the LLM has not written, which is logged. Call it where the fault is caught."""
    if isinstance(fault, NarrativeUnavailable):
        reason = fault.reason
    elif isinstance(fault, SkinAPIError):
        reason = Reason.STORE
    else:
        log_fault(fault)
        reason = Reason.FAULT
    # Without a key or consent nothing went wrong, so that is no warning.
    write_log = log.info if reason in NOT_ASKED else log.warning
    write_log("LLM text unavailable, template used", reason=reason, language=language)
    return reason


def open_llm(settings: Settings, store: Store) -> OpenRouterClient | None:
    """None without an API key: then nothing is ever sent."""
    key = settings.secret("openrouter_api_key")
    if key is None:
        return None
    return OpenRouterClient(
        url=settings.openrouter_url,
        key=key,
        models=settings.llm_models,
        budget=DailyBudget(store, most=settings.llm_daily_budget),
    )
