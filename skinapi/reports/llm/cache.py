"""Stores which sentences an LLM chose, so that the same facts give the same text. A stored choice
has no owner.

It belongs to the facts of one person's finding, so deleting a submission or an account also deletes
the choices made for it. If the store failed before the facts were stored as a submission, no
deletion would find their choice. So every choice expires.
"""

from contextlib import suppress
from datetime import timedelta

from skinapi.errors import Duplicate
from skinapi.languages import Language
from skinapi.records.findings.submissions import Submission
from skinapi.reports.facts import Facts
from skinapi.reports.text.remarks import Choice
from skinapi.storage.ids import new_id, now
from skinapi.storage.ports import Filter, Store

NARRATIVE_LIFETIME = timedelta(days=90)


class NarrativeCache:
    def __init__(self, store: Store) -> None:
        self._documents = store.collection("narratives")
        self._documents.ensure_index("facts_hash", "language", "writer", unique=True)
        self._documents.ensure_index("facts_hash")
        self._documents.expire_by("expires_at")

    def find(self, facts: Facts, language: Language, writer: str) -> Choice | None:
        """The stored choice, or None. `writer` is a fingerprint of everything else that it depends
        on: models and instructions.
        """
        rows = self._documents.find(_key(facts, language, writer), limit=1)
        return Choice.model_validate(rows[0]["choice"]) if rows else None

    def keep(self, facts: Facts, language: Language, writer: str, choice: Choice) -> Choice:
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
        """Delete the choices made for a submission's facts, in every language and of every
        writer.
        """
        for finding in (submission.finding, submission.finding.by_own_mix()):
            facts = Facts.of(finding, submission.context)
            self._documents.delete({"facts_hash": facts.hash})


def _key(facts: Facts, language: Language, writer: str) -> Filter:
    return {"facts_hash": facts.hash, "language": language, "writer": writer}
