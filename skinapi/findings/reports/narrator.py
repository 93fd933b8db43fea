"""Chooses the writer of an explanation: an LLM if it is requested, allowed and available, otherwise
the template. The LLM says the passages of a plan (`explanation.py`) in its own words (`writer.py`);
each sentence that a second LLM does not find equal to its passage (`checker.py`) is replaced by the
passage. What to do, how urgent that is and every date are the template's.

What is kept of an answer is stored without an owner and deleted with the finding, or after ninety
days: if the store failed before the finding was stored, no deletion would find it.
"""

import hashlib
import json
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from skinapi.accounts.admin.usage import DailyCounts
from skinapi.base.errors import Duplicate, SkinAPIError
from skinapi.base.languages import Language
from skinapi.base.logs import log, log_fault
from skinapi.base.settings import Settings
from skinapi.base.stored_record import StoredRecord
from skinapi.findings.records.stored_finding import StoredFinding
from skinapi.findings.reports import checker
from skinapi.findings.reports.checker import NUMBER, Checked, Dropped, check
from skinapi.findings.reports.explanation import (
    Paragraphs,
    Plan,
    WordedSentence,
    plan_explanation,
)
from skinapi.findings.reports.facts import Facts
from skinapi.findings.reports.openrouter import DailyBudget, OpenRouterClient, Question
from skinapi.findings.reports.report import (
    Narrative,
    NarrativeUnavailable,
    Source,
    Unwritten,
    Writer,
)
from skinapi.findings.reports.template import write_template
from skinapi.findings.reports.writer import Pair, Paired, ask_for_words, pair_up, read_draft
from skinapi.findings.status.decisions import Decision
from skinapi.model.passages import PassageReader
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.ports import Filter, Store
from skinapi.platform.storage.records import Repository

CONSENT = "llm"
NARRATIVE_LIFETIME = timedelta(days=90)
LLM_DEADLINE_S = 12.0  # that one narrative may wait for both LLMs, all attempts together
NOT_ASKED = (
    Unwritten.NO_KEY,
    Unwritten.NO_CONSENT,
    Unwritten.NOTHING_TO_EXPLAIN,
    Unwritten.NOT_ASKED,
)
NO_CONSENTS: Mapping[str, bool] = {}


class WordedExplanation(StoredRecord):
    """An explanation, of whose `written` sentences the LLM's are `kept`."""

    paragraphs: Paragraphs
    written: int
    kept: int
    model: str
    checker: str


def compose(paired: Paired, dropped: Checked, language: Language) -> Paragraphs:
    """Each sentence that is kept; in place of the others the passages, as they are."""
    reasons = iter(dropped.dropped)

    def say(pair: Pair) -> tuple[WordedSentence, ...]:
        if next(reasons) is None and pair.sentence:
            return (WordedSentence(text=pair.sentence, passages=pair.ids),)
        return tuple(
            WordedSentence(text=item.in_language(language), passages=(item.id,))
            for item in pair.passages
        )

    return tuple(tuple(said for pair in part for said in say(pair)) for part in paired)


class DroppedPair(StoredRecord):
    """A sentence that was not used, for the operator; figures of a finding are left out."""

    id: str
    created_at: datetime
    expires_at: datetime
    language: Language
    passage: str
    sentence: str
    reason: Dropped
    model: str
    checker: str


class DroppedPairs(Repository[DroppedPair]):
    collection, record, expiry = "dropped_pairs", DroppedPair, "expires_at"

    def keep(self, paired: Paired, checked: Checked, language: Language, model: str) -> None:
        moment = now()
        pairs = (pair for paragraph in paired for pair in paragraph)
        for pair, reason in zip(pairs, checked.dropped, strict=True):
            if reason and pair.sentence:
                of_finding = any(identifier.startswith("finding.") for identifier in pair.ids)
                passage, sentence = (
                    NUMBER.sub("…", text) if of_finding else text
                    for text in (pair.text(language), pair.sentence)
                )
                self.insert(
                    DroppedPair(
                        id=new_id(),
                        created_at=moment,
                        expires_at=moment + NARRATIVE_LIFETIME,
                        language=language,
                        passage=passage,
                        sentence=sentence,
                        reason=reason,
                        model=model,
                        checker=checked.checker,
                    )
                )

    def list_last(self, count: int) -> list[DroppedPair]:
        return self._list(sort="-id", limit=count)


class NarrativeCache:
    def __init__(self, store: Store) -> None:
        self._documents = store.collection("narratives")
        self._documents.ensure_index("facts_hash", "language", "writer", unique=True)
        self._documents.ensure_index("facts_hash")
        self._documents.expire_by("expires_at")

    def find(self, facts: Facts, language: Language, writer: str) -> WordedExplanation | None:
        """`writer` is a fingerprint of what else it depends on: models, passages, instructions."""
        rows = self._documents.find(_key(facts, language, writer), limit=1)
        return WordedExplanation.model_validate(rows[0]["explanation"]) if rows else None

    def keep(
        self, facts: Facts, language: Language, writer: str, explanation: WordedExplanation
    ) -> WordedExplanation:
        """Store an explanation and return it, or that of a request that was faster."""
        moment, key = now(), _key(facts, language, writer)
        row = {
            "id": new_id(),
            "schema": 1,
            "created_at": moment,
            "expires_at": moment + NARRATIVE_LIFETIME,
        }
        with suppress(Duplicate):
            self._documents.insert({**row, **key, "explanation": explanation.stored()})
            return explanation
        return self.find(facts, language, writer) or explanation

    def forget(self, submission: StoredFinding) -> None:
        """Delete the explanations written for the facts of a finding, in every language."""
        for told in (submission.as_earlier(), *submission.earlier):
            for finding in (told.finding, told.finding.by_own_mix()):
                facts = Facts.from_finding(finding, told.context)
                self._documents.delete({"facts_hash": facts.hash})


def _key(facts: Facts, language: Language, writer: str) -> Filter:
    return {"facts_hash": facts.hash, "language": language, "writer": writer}


@dataclass(frozen=True, slots=True)
class Narrator:
    """Writes narratives. Without `llm` the template writes all of them."""

    llm: OpenRouterClient | None
    checker: OpenRouterClient | None
    cache: NarrativeCache
    dropped: DroppedPairs
    usage: DailyCounts

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
        reader: PassageReader = "patient",
        decision: Decision | None = None,
        elsewhere: bool = False,
    ) -> Narrative:
        """Write the narrative. `llm` requests the LLM, which is used only with the operator's key
        and the consent of the owner of the facts; if it fails, `source` holds the reason.
        """
        plan = plan_explanation(facts, reader, decision=decision, elsewhere=elsewhere)
        if not llm:
            return write_template(facts, language, plan)
        try:
            writer, second = (require_llm(item, consents) for item in (self.llm, self.checker))
            worded = self._word(writer, second, facts, plan, reader, language)
        except Exception as fault:  # noqa: BLE001 (no fault of a writer may cost the text)
            reason = why_unwritten(fault, language)
            if reason not in NOT_ASKED:
                self.usage.add_writing({"template": 1, f"template_{reason}": 1})
            source = Source(reason=reason)
            return write_template(facts, language, plan).model_copy(update={"source": source})
        source = Source(
            writer=Writer.LLM,
            model=worded.model,
            checker=worded.checker,
            kept=worded.kept,
            written=worded.written,
        )
        narrative = write_template(facts, language, plan, worded.paragraphs)
        return narrative.model_copy(update={"source": source})

    def _word(
        self,
        writer: OpenRouterClient,
        second: OpenRouterClient,
        facts: Facts,
        plan: Plan,
        reader: PassageReader,
        language: Language,
    ) -> WordedExplanation:
        deadline = time.monotonic() + LLM_DEADLINE_S
        if not plan.groups:
            raise NarrativeUnavailable(Unwritten.NOTHING_TO_EXPLAIN)
        question = ask_for_words(plan, reader, language)
        key = self._fingerprint(question)
        if found := self.cache.find(facts, language, key):
            return found
        began = time.monotonic()
        draft = writer.ask(question, read_draft, deadline=deadline)
        paired = pair_up(draft.answer, plan)
        checked = check(second, paired, language, deadline=deadline)
        self.dropped.keep(paired, checked, language, draft.model)
        paragraphs = compose(paired, checked, language)
        worded = WordedExplanation(
            paragraphs=paragraphs,
            written=sum(map(len, paragraphs)),
            kept=checked.dropped.count(None),
            model=draft.model,
            checker=checked.checker,
        )
        seconds, tokens = time.monotonic() - began, draft.tokens + checked.tokens
        self._count(checked, seconds=seconds, tokens=tokens)
        if not worded.kept:
            raise NarrativeUnavailable(Unwritten.NOTHING_KEPT)
        return self.cache.keep(facts, language, key, worded)

    def _count(self, checked: Checked, *, seconds: float, tokens: int) -> None:
        """Never the text of a sentence."""
        reasons = Counter(reason for reason in checked.dropped if reason)
        figures = {f"dropped_{reason}": count for reason, count in reasons.items()}
        figures |= {"answers": 1, "kept": checked.dropped.count(None), "tokens": tokens}
        self.usage.add_writing({**figures, "milliseconds": round(1000 * seconds)})

    def _fingerprint(self, question: Question) -> str:
        """The key of what is kept: equal for the same passages, reader, language and models."""
        models = [client.models for client in (self.llm, self.checker) if client]
        asked = [models, question.instructions, question.sent, checker.INSTRUCTIONS]
        return f"llm-{hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:16]}"


def require_llm(llm: OpenRouterClient | None, consents: Mapping[str, bool]) -> OpenRouterClient:
    if llm is None:
        raise NarrativeUnavailable(Unwritten.NO_KEY)
    if not consents.get(CONSENT, False):
        raise NarrativeUnavailable(Unwritten.NO_CONSENT)
    return llm


def why_unwritten(fault: Exception, language: Language) -> Unwritten:
    """Log why the LLM has not written. Call it where the fault is caught."""
    if isinstance(fault, NarrativeUnavailable):
        reason = fault.reason
    elif isinstance(fault, SkinAPIError):
        reason = Unwritten.STORE
    else:
        log_fault(fault)
        reason = Unwritten.FAULT
    # Without a key or consent nothing went wrong, so that is no warning.
    write_log = log.info if reason in NOT_ASKED else log.warning
    write_log("LLM text unavailable, template used", reason=reason, language=language)
    return reason


def open_llm(settings: Settings, store: Store) -> OpenRouterClient | None:
    """The LLM that writes. None without an API key: then nothing is ever sent."""
    return _open(settings, store, settings.llm_models)


def open_checker(settings: Settings, store: Store) -> OpenRouterClient | None:
    """The LLM, of another maker, that compares what was written with the passages."""
    return _open(settings, store, settings.checker_models)


def _open(settings: Settings, store: Store, models: list[str]) -> OpenRouterClient | None:
    key = settings.secret("openrouter_api_key")
    if key is None:
        return None
    budget = DailyBudget(store, most=settings.llm_daily_budget)
    return OpenRouterClient(url=settings.openrouter_url, key=key, models=models, budget=budget)
