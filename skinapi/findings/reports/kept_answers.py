"""Cached answers of the LLMs. A question contains only passages and rounded figures, so an answer
belongs to no person and is shared. Only the day it was made is stored.
"""

from datetime import UTC, datetime, time, timedelta

from skinapi.base.stored_record import StoredRecord
from skinapi.findings.reports.explanation import Paragraphs
from skinapi.findings.reports.report import Unwritten
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import set_or_remove
from skinapi.platform.storage.records import Repository

LIFETIME, FOR_A_DAY = timedelta(days=90), timedelta(days=1)


class WordedExplanation(StoredRecord):
    """It is valid as long as the `checker` is trusted without a break since `passed_at`."""

    paragraphs: Paragraphs
    written: int
    kept: int
    model: str
    checker: str
    passed_at: datetime | None


class KeptDraft(StoredRecord):
    """An answer of the first LLM that was not checked and must not be shown."""

    content: str
    model: str
    tokens: int
    seconds: float


class KeptAnswer(StoredRecord):
    id: str
    draft: KeptDraft | None = None
    explanation: WordedExplanation | None = None
    failed: Unwritten | None = None


class KeptAnswers(Repository[KeptAnswer]):
    collection, record, expiry = "kept_answers", KeptAnswer, "expires_at"

    def keep(self, answer: KeptAnswer) -> None:
        """An explanation is cached for long, anything else for a day."""
        today = datetime.combine(now().date(), time(), UTC)
        kept = {name: answer.stored().get(name) for name in ("draft", "explanation", "failed")}
        ends = today + LIFETIME if answer.explanation else now() + FOR_A_DAY
        fields = {"schema": 1, "created_at": today, "expires_at": ends, **kept}
        self._documents.update({"id": answer.id}, set_or_remove(fields), upsert=True)
