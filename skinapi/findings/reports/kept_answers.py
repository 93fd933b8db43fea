"""What is kept of an LLM's answers: the explanation that was made of one, a draft that is still to
be checked, or why a question is not asked again for a day.

Nobody is in it, and no finding: a question has passages and rounded figures alone, and all findings
that ask the same share its answer. So it is deleted by time, and of when it was made only the day
is kept.
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
    """An explanation, of whose `written` sentences the LLM's are `kept`. It holds as long as the
    `checker` has been believed since `passed_at` without a break.
    """

    paragraphs: Paragraphs
    written: int
    kept: int
    model: str
    checker: str
    passed_at: datetime | None


class KeptDraft(StoredRecord):
    """What the first LLM wrote and nobody has checked: it is never shown. `content` is its answer,
    which was well formed.
    """

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
        """Replace what was kept of this question: an explanation long, all else for a day."""
        today = datetime.combine(now().date(), time(), UTC)
        kept = {name: answer.stored().get(name) for name in ("draft", "explanation", "failed")}
        ends = today + LIFETIME if answer.explanation else now() + FOR_A_DAY
        fields = {"schema": 1, "created_at": today, "expires_at": ends, **kept}
        self._documents.update({"id": answer.id}, set_or_remove(fields), upsert=True)
