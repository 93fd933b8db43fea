"""The narratives that an LLM wrote, kept so that the same facts give the same words. No owner."""

from contextlib import suppress

from skinapi.errors import Duplicate
from skinapi.reports.facts import Facts
from skinapi.reports.narrative import Narrative
from skinapi.storage.ids import new_id, now
from skinapi.storage.ports import Filter, Store
from skinapi.vision.conditions import Language


class KeptNarratives:
    """`writer` stands for all that words depend on besides the facts: models, instructions."""

    def __init__(self, store: Store, *, writer: str) -> None:
        self._documents = store.collection("narratives")
        self._documents.ensure_index("facts_hash", "language", "writer", unique=True)
        self._writer = writer

    def find(self, facts: Facts, language: Language) -> Narrative | None:
        found = self._documents.find(self._place(facts, language), limit=1)
        return Narrative.model_validate(found[0]["narrative"]) if found else None

    def keep(self, facts: Facts, narrative: Narrative) -> Narrative:
        """What is kept for these facts: another's, where that was faster."""
        place = self._place(facts, narrative.language)
        row = {"id": new_id(), "schema": 1, "created_at": now(), **place}
        with suppress(Duplicate):
            self._documents.insert({**row, "narrative": narrative.model_dump(mode="json")})
            return narrative
        return self.find(facts, narrative.language) or narrative

    def _place(self, facts: Facts, language: Language) -> Filter:
        return {"facts_hash": facts.hash, "language": language, "writer": self._writer}
