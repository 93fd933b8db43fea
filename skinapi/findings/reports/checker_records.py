"""Track how reliable the second LLM is, by model and language. It must pass an exam of known pairs,
and those in each call keep counting. If its record drops too far, the passages are shown unchanged.
"""

import hashlib
import random
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import cycle

from skinapi.base.errors import Duplicate
from skinapi.base.languages import LANGUAGES, Language
from skinapi.base.logs import log
from skinapi.base.stored_record import StoredRecord
from skinapi.findings.reports.checker import (
    INSTRUCTIONS,
    Dropped,
    Judged,
    ask_to_compare,
    find_fault,
    hide_known,
    judge,
)
from skinapi.findings.reports.known_pairs import Shown, draw_exam
from skinapi.findings.reports.openrouter import OpenRouterClient, Reading
from skinapi.findings.reports.report import NarrativeUnavailable, Unwritten
from skinapi.findings.reports.writer import Paired
from skinapi.model.passages import PassageReader
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Store
from skinapi.platform.storage.records import Repository, in_transaction

# Counted over the last known pairs. With fewer pairs, a model that errs once in a hundred would
# fail in more than one call out of twenty.
EXAM_PAIRS, LAST_PAIRS, LEAST_RIGHT = 60, 100, 0.98
EXAM_PAUSE = timedelta(hours=4)  # between two exams of a model that fails them: each costs requests
EXAM_CALL_S = 10.0
UNUSED_AFTER = timedelta(days=90)
_QUESTION = hashlib.sha256(INSTRUCTIONS.encode()).hexdigest()[:8]


class CheckerRecord(StoredRecord):
    """The model is trusted if `passed_at` is set, otherwise its next exam is at `due_at`."""

    id: str
    created_at: datetime
    expires_at: datetime
    model: str
    language: Language
    right: tuple[bool, ...] = ()
    passed_at: datetime | None = None
    due_at: datetime | None = None

    @property
    def believed(self) -> bool:
        return self.passed_at is not None


class CheckerRecords(Repository[CheckerRecord]):
    collection, record, expiry = "checker_records", CheckerRecord, "expires_at"

    def __init__(self, store: Store, models: Sequence[str]) -> None:
        super().__init__(store)
        self._models = models

    def list_current(self) -> list[CheckerRecord]:
        found = (self.find_of(model, item) for model in self._models for item in LANGUAGES)
        return [record for record in found if record]

    def find_of(self, model: str, language: Language) -> CheckerRecord | None:
        return self.find(_id_of(model, language))

    def require_believed(self, language: Language) -> list[str]:
        """Raise NarrativeUnavailable if no model is trusted. Untested ones take their exam soon."""
        records = [self._find_or_add(model, language) for model in self._models]
        believed = [record.model for record in records if record.believed]
        if not believed:
            raise NarrativeUnavailable(Unwritten.CHECKER_NOT_BELIEVED)
        return believed

    def _find_or_add(self, model: str, language: Language) -> CheckerRecord:
        if found := self.find_of(model, language):
            return found
        moment = now()
        record = CheckerRecord(
            id=_id_of(model, language),
            created_at=moment,
            expires_at=moment + UNUSED_AFTER,
            model=model,
            language=language,
            due_at=moment,
        )
        with suppress(Duplicate):  # another request was faster
            self.insert(record)
        return record

    def holds(self, model: str, language: Language, since: datetime | None) -> bool:
        """Return True if the model has been trusted without a break since this time."""
        held = self.find_of(model, language)
        return held is not None and held.believed and held.passed_at == since

    @in_transaction
    def begin_exam(self, record: CheckerRecord) -> bool:
        """Reserve the exam of a model, so that only one server takes it."""
        held, moment = self.find(record.id), now()
        if held is None or held.believed or (held.due_at and held.due_at > moment):
            return False
        self._change({"id": held.id}, due_at=moment + EXAM_PAUSE)
        return True

    @in_transaction
    def end_exam(self, record: CheckerRecord, right: Sequence[bool]) -> bool:
        passed = is_good(right)
        self._count(record.id, right, passed_at=now() if passed else None)
        return passed

    @in_transaction
    def count(self, model: str, language: Language, right: Sequence[bool]) -> datetime | None:
        """Count known pairs. Return since when the model is trusted, or None if it no longer is."""
        held = self.find_of(model, language)
        if held is None or held.passed_at is None:
            return None
        counted = (*held.right, *right)
        good = is_good(counted[-LAST_PAIRS:])
        lost = {} if good else {"due_at": now() + EXAM_PAUSE}
        self._count(held.id, counted, passed_at=held.passed_at if good else None, **lost)
        return held.passed_at if good else None

    def _count(
        self, identifier: str, right: Sequence[bool], passed_at: datetime | None, **more: datetime
    ) -> None:
        self._change(
            {"id": identifier},
            right=[*right[-LAST_PAIRS:]],
            passed_at=passed_at,
            expires_at=now() + UNUSED_AFTER,
            **more,
        )


def _id_of(model: str, language: Language) -> str:
    return f"{language} {_QUESTION} {model}"


def is_good(right: Sequence[bool]) -> bool:
    return len(right) >= EXAM_PAIRS and sum(right) >= LEAST_RIGHT * len(right)


@dataclass(frozen=True, slots=True)
class Checked:
    dropped: tuple[Dropped | None, ...]
    checker: str = ""
    passed_at: datetime | None = None
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Checker:
    llm: OpenRouterClient
    records: CheckerRecords

    def check(
        self,
        paired: Paired,
        language: Language,
        reader: PassageReader,
        *,
        deadline: float,
        account: str | None = None,
        draw: random.Random | None = None,
    ) -> Checked:
        """Raise NarrativeUnavailable if the LLM does not answer or has just lost its trust."""
        pairs = [pair for paragraph in paired for pair in paragraph]
        faults = [find_fault(pair, language) for pair in pairs]
        whole = [(place, pair) for place, pair in enumerate(pairs) if not faults[place]]
        if not whole:
            return Checked(tuple(faults))
        models = self.records.require_believed(language)
        shown = hide_known(whole, language, draw or random.SystemRandom())
        reading = self._ask(shown, language, reader, models, deadline, account)
        passed_at = self.records.count(reading.model, language, reading.answer.known)
        if passed_at is None:
            raise _not_believed(reading.model, language)
        dropped = (
            fault or (None if place in reading.answer.kept else Dropped.CHECKER)
            for place, fault in enumerate(faults)
        )
        return Checked(tuple(dropped), reading.model, passed_at, reading.tokens)

    def take_due_exams(self) -> None:
        for record in self.records.list_current():
            if self.records.begin_exam(record):
                self._examine(record)

    def _examine(self, record: CheckerRecord) -> None:
        try:
            right = self._answer_exam(record.model, record.language)
            if not self.records.end_exam(record, right):
                raise _not_believed(record.model, record.language)
        except NarrativeUnavailable as failed:
            log.warning("exam of the checker not passed", reason=failed.reason)

    def _answer_exam(self, model: str, language: Language) -> list[bool]:
        right, draw = list[bool](), random.SystemRandom()
        readers: cycle[PassageReader] = cycle(("patient", "colleague"))
        while len(right) < EXAM_PAIRS:
            reader = next(readers)
            shown, deadline = draw_exam(language, reader, draw), time.monotonic() + EXAM_CALL_S
            right += self._ask(shown, language, reader, [model], deadline).answer.known
        return right

    def _ask(
        self,
        shown: Sequence[Shown],
        language: Language,
        reader: PassageReader,
        models: Sequence[str],
        deadline: float,
        account: str | None = None,
    ) -> Reading[Judged]:
        return self.llm.ask(
            ask_to_compare(shown, language, reader),
            partial(judge, shown),
            deadline=deadline,
            models=models,
            account=account,
        )


def _not_believed(model: str, language: Language) -> NarrativeUnavailable:
    log.warning("checker not believed", model=model, language=language)
    return NarrativeUnavailable(Unwritten.CHECKER_NOT_BELIEVED)
