"""The narratives that an LLM wrote, kept so that the same facts give the same words. No owner.

The words repeat the facts of one person's finding, so they go with it: whoever deletes a submission
or an account deletes the words made from it. Where the facts became no submission, because the
store failed in between, nobody could delete their words: all expire.
"""

from contextlib import suppress
from datetime import timedelta

from skinapi.errors import Duplicate
from skinapi.records.submissions import Submission
from skinapi.reports.facts import Facts
from skinapi.reports.narrative import Narrative
from skinapi.storage.ids import new_id, now
from skinapi.storage.ports import Filter, Store
from skinapi.vision.conditions import Language

LIFE = timedelta(days=90)


class NarrativeCache:
    def __init__(self, store: Store) -> None:
        self._documents = store.collection("narratives")
        self._documents.ensure_index("facts_hash", "language", "writer", unique=True)
        self._documents.ensure_index("facts_hash")
        self._documents.expire_by("expires_at")

    def find(self, facts: Facts, language: Language, writer: str) -> Narrative | None:
        """`writer` stands for all that words depend on besides the facts: models, instructions."""
        found = self._documents.find(_place(facts, language, writer), limit=1)
        return Narrative.model_validate(found[0]["narrative"]) if found else None

    def keep(self, facts: Facts, narrative: Narrative, writer: str) -> Narrative:
        """What is kept for these facts: another's, where that was faster."""
        moment, place = now(), _place(facts, narrative.language, writer)
        row = {"id": new_id(), "schema": 1, "created_at": moment, "expires_at": moment + LIFE}
        with suppress(Duplicate):
            self._documents.insert({**row, **place, "narrative": narrative.model_dump(mode="json")})
            return narrative
        return self.find(facts, narrative.language, writer) or narrative

    def forget(self, submission: Submission) -> None:
        """The words made from its facts, in every language, by every writer."""
        facts = Facts.of(submission.finding, submission.context)
        self._documents.delete({"facts_hash": facts.hash})


def _place(facts: Facts, language: Language, writer: str) -> Filter:
    return {"facts_hash": facts.hash, "language": language, "writer": writer}
