"""Stores the narratives that an LLM wrote, so that the same facts give the same text. A stored
narrative has no owner.

The text repeats the facts of one person's finding, so deleting a submission or an account also
deletes the narratives made from it. If the store failed before the facts were stored as a
submission, no deletion would find their narrative. So every narrative expires.
"""

from contextlib import suppress
from datetime import timedelta

from skinapi.errors import Duplicate
from skinapi.languages import Language
from skinapi.records.findings.submissions import Submission
from skinapi.reports.facts import Facts
from skinapi.reports.narrative import Narrative
from skinapi.storage.ids import new_id, now
from skinapi.storage.ports import Filter, Store

NARRATIVE_LIFETIME = timedelta(days=90)


class NarrativeCache:
    def __init__(self, store: Store) -> None:
        self._documents = store.collection("narratives")
        self._documents.ensure_index("facts_hash", "language", "writer", unique=True)
        self._documents.ensure_index("facts_hash")
        self._documents.expire_by("expires_at")

    def find(self, facts: Facts, language: Language, writer: str) -> Narrative | None:
        """The stored narrative, or None. `writer` is a fingerprint of everything else that the text
        depends on: models and instructions.
        """
        rows = self._documents.find(_key(facts, language, writer), limit=1)
        return Narrative.model_validate(rows[0]["narrative"]) if rows else None

    def keep(self, facts: Facts, narrative: Narrative, writer: str) -> Narrative:
        """Store a narrative and return it. If another request was faster, return its narrative."""
        moment, key = now(), _key(facts, narrative.language, writer)
        row = {
            "id": new_id(),
            "schema": 1,
            "created_at": moment,
            "expires_at": moment + NARRATIVE_LIFETIME,
        }
        with suppress(Duplicate):
            self._documents.insert({**row, **key, "narrative": narrative.model_dump(mode="json")})
            return narrative
        return self.find(facts, narrative.language, writer) or narrative

    def discard(self, facts: Facts, language: Language, writer: str) -> None:
        """Delete a stored narrative."""
        self._documents.delete(_key(facts, language, writer))

    def forget(self, submission: Submission) -> None:
        """Delete the narratives made from a submission's facts, in every language and of every
        writer.
        """
        facts = Facts.of(submission.finding, submission.context)
        self._documents.delete({"facts_hash": facts.hash})


def _key(facts: Facts, language: Language, writer: str) -> Filter:
    return {"facts_hash": facts.hash, "language": language, "writer": writer}
