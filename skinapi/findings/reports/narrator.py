"""An LLM rephrases passages (writer.py) if requested and allowed. Each sentence that the second LLM
(checker.py) rejects is replaced by its passage. Advice, urgency and dates always come from the
template.
"""

import hashlib
import json
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from skinapi.accounts.admin.usage import DailyCounts
from skinapi.base.errors import SkinAPIError
from skinapi.base.languages import Language
from skinapi.base.logs import log, log_fault
from skinapi.base.settings.settings import Settings
from skinapi.findings.reports import checker
from skinapi.findings.reports.checker_records import Checked, Checker, CheckerRecords
from skinapi.findings.reports.explanation import (
    Paragraphs,
    Plan,
    WordedSentence,
    plan_explanation,
    write_passages,
)
from skinapi.findings.reports.facts import Facts
from skinapi.findings.reports.kept_answers import (
    KeptAnswer,
    KeptAnswers,
    KeptDraft,
    WordedExplanation,
)
from skinapi.findings.reports.openrouter import DailyBudget, OpenRouterClient, Question, read_answer
from skinapi.findings.reports.report import (
    Narrative,
    NarrativeUnavailable,
    Source,
    Unwritten,
    Writer,
)
from skinapi.findings.reports.template import write_template
from skinapi.findings.reports.writer import Draft, Pair, Paired, ask_for_words, pair_up
from skinapi.findings.status.decisions import Decision
from skinapi.model.passages import PassageReader
from skinapi.platform.storage.ports import Store

CONSENT = "llm"
LLM_DEADLINE_S = 10.0  # that one narrative may wait for each of both LLMs, all attempts together
NOT_ASKED = (
    Unwritten.NO_KEY,
    Unwritten.NO_CONSENT,
    Unwritten.NOTHING_TO_EXPLAIN,
    Unwritten.NOT_ASKED,
)
# Repeating the question after such an answer would hardly help.
FAILED = (Unwritten.MALFORMED, Unwritten.NOTHING_KEPT, Unwritten.CHECKER_NOT_BELIEVED)
NO_CONSENTS: Mapping[str, bool] = {}


def compose(paired: Paired, dropped: Checked, language: Language) -> Paragraphs:
    reasons = iter(dropped.dropped)

    def say(pair: Pair) -> tuple[WordedSentence, ...]:
        if next(reasons) is None and pair.sentence:
            return (WordedSentence(text=pair.sentence, passages=pair.ids),)
        return write_passages(pair.passages, language)

    return tuple(tuple(said for pair in part for said in say(pair)) for part in paired)


@dataclass(frozen=True, slots=True)
class Narrator:
    llm: OpenRouterClient | None
    checker: Checker | None
    answers: KeptAnswers
    usage: DailyCounts

    @property
    def has_llm(self) -> bool:
        return self.llm is not None

    def examine_checker(self) -> None:
        if self.checker:
            self.checker.take_due_exams()

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
        account: str | None = None,
    ) -> Narrative:
        """An LLM requires the operator's key and the owner's consent, and counts against `account`.
        If it fails, `source` holds the reason.
        """
        plan = plan_explanation(facts, reader, decision=decision, elsewhere=elsewhere)
        if not llm:
            return write_template(facts, language, plan)
        try:
            writer = require_llm(self.llm, consents)
            worded = self._word(writer, plan, reader, language, account)
        except Exception as fault:  # noqa: BLE001 (no fault of a writer may cost the text)
            reason = why_unwritten(fault, language)
            if reason not in NOT_ASKED:
                self.usage.add_writing({"template": 1, f"template_{reason}": 1})
            source = Source(reason=reason)
            return write_template(facts, language, plan).model_copy(update={"source": source})
        source = Source.from_record(worded, writer=Writer.LLM)
        narrative = write_template(facts, language, plan, worded.paragraphs)
        return narrative.model_copy(update={"source": source})

    def _word(
        self,
        writer: OpenRouterClient,
        plan: Plan,
        reader: PassageReader,
        language: Language,
        account: str | None,
    ) -> WordedExplanation:
        second = self.checker
        if second is None:
            raise NarrativeUnavailable(Unwritten.NO_KEY)
        if not plan.groups:
            raise NarrativeUnavailable(Unwritten.NOTHING_TO_EXPLAIN)
        question = ask_for_words(plan, reader, language)
        key = self._fingerprint(question)
        kept = self.answers.find(key) or KeptAnswer(id=key)
        if kept.failed:
            raise NarrativeUnavailable(kept.failed)
        second.records.require_believed(language)
        told, draft = kept.explanation, kept.draft
        if told and second.records.holds(told.checker, language, told.passed_at):
            return told
        try:
            if draft is None:
                began = time.monotonic()
                deadline = began + LLM_DEADLINE_S
                asked = writer.ask(
                    question, partial(read_answer, Draft), deadline=deadline, account=account
                )
                draft = KeptDraft(
                    content=asked.answer.model_dump_json(),
                    model=asked.model,
                    tokens=asked.tokens,
                    seconds=time.monotonic() - began,
                )
                self.answers.keep(KeptAnswer(id=key, draft=draft))
            told = self._check(second, draft, plan, reader, language, account)
        except NarrativeUnavailable as unwritten:
            if unwritten.reason in FAILED:
                self.answers.keep(KeptAnswer(id=key, failed=unwritten.reason))
            raise
        self.answers.keep(KeptAnswer(id=key, explanation=told))
        return told

    def _check(
        self,
        second: Checker,
        draft: KeptDraft,
        plan: Plan,
        reader: PassageReader,
        language: Language,
        account: str | None,
    ) -> WordedExplanation:
        began, paired = time.monotonic(), pair_up(read_answer(Draft, draft.content), plan, language)
        deadline = began + LLM_DEADLINE_S
        checked = second.check(paired, language, reader, deadline=deadline, account=account)
        seconds = draft.seconds + time.monotonic() - began
        self._count(checked, seconds=seconds, tokens=draft.tokens + checked.tokens)
        paragraphs, kept = compose(paired, checked, language), checked.dropped.count(None)
        if not kept:
            raise NarrativeUnavailable(Unwritten.NOTHING_KEPT)
        written = sum(map(len, paragraphs))
        return WordedExplanation.from_record(
            checked, draft, paragraphs=paragraphs, written=written, kept=kept
        )

    def _count(self, checked: Checked, *, seconds: float, tokens: int) -> None:
        reasons = Counter(reason for reason in checked.dropped if reason)
        figures = {f"dropped_{reason}": count for reason, count in reasons.items()}
        figures |= {"answers": 1, "kept": checked.dropped.count(None), "tokens": tokens}
        self.usage.add_writing({**figures, "milliseconds": round(1000 * seconds)})

    def _fingerprint(self, question: Question) -> str:
        models = [self.llm and self.llm.models, self.checker and self.checker.llm.models]
        asked = [models, question.instructions, question.sent, checker.INSTRUCTIONS]
        return f"llm-{hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:16]}"


def require_llm(llm: OpenRouterClient | None, consents: Mapping[str, bool]) -> OpenRouterClient:
    if llm is None:
        raise NarrativeUnavailable(Unwritten.NO_KEY)
    if not consents.get(CONSENT, False):
        raise NarrativeUnavailable(Unwritten.NO_CONSENT)
    return llm


def why_unwritten(fault: Exception, language: Language) -> Unwritten:
    """Call it in the exception handler."""
    if isinstance(fault, NarrativeUnavailable):
        reason = fault.reason
    elif isinstance(fault, SkinAPIError):
        reason = Unwritten.STORE
    else:
        log_fault(fault)
        reason = Unwritten.FAULT
    # A missing key or consent is not a fault, so it is not a warning.
    write_log = log.info if reason in NOT_ASKED else log.warning
    write_log("LLM text unavailable, template used", reason=reason, language=language)
    return reason


def open_llm(settings: Settings, store: Store) -> OpenRouterClient | None:
    """Return None without an API key, so nothing is ever sent."""
    return _open(settings, store, settings.llm_models)


def open_checker(settings: Settings, store: Store, records: CheckerRecords) -> Checker | None:
    llm = _open(settings, store, settings.checker_models)
    return Checker(llm, records) if llm else None


def _open(settings: Settings, store: Store, models: list[str]) -> OpenRouterClient | None:
    key = settings.secret("openrouter_api_key")
    if key is None:
        return None
    budget = DailyBudget(store, most=settings.llm_daily_budget)
    return OpenRouterClient(url=settings.openrouter_url, key=key, models=models, budget=budget)
