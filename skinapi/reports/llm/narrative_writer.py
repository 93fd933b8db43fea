"""Writes narratives with an LLM: it chooses reviewed sentences by their ids, and names and numbers
are filled in here from the facts.
"""

import hashlib
import json
import time
from functools import partial

from skinapi.languages import LANGUAGES, Language
from skinapi.reports.facts import Facts
from skinapi.reports.llm.cache import NarrativeCache
from skinapi.reports.llm.openrouter import OpenRouterClient
from skinapi.reports.llm.prompt import free_characters, instructions, make_question, read_draft
from skinapi.reports.narrative import Narrative, NarrativeUnavailable, Reason, Source, Writer
from skinapi.reports.text.remarks import Choice, possible_remarks, write_remarks
from skinapi.reports.text.template import write_template


class NarrativeWriter:
    def __init__(self, llm: OpenRouterClient, *, deadline_s: float, cache: NarrativeCache) -> None:
        self._llm = llm
        self._deadline_s = deadline_s
        self._cache = cache
        self._fingerprint = _fingerprint(llm.models)

    def write(self, facts: Facts, language: Language) -> Narrative:
        """Write a narrative with the LLM, or return the cached one. Raises NarrativeUnavailable,
        with the reason, within the deadline.
        """
        deadline = time.monotonic() + self._deadline_s
        if not facts.examined:
            raise NarrativeUnavailable(Reason.NOTHING_EXAMINED)
        room = free_characters(write_template(facts, language))
        choice = self._cache.find(facts, language, self._fingerprint)
        if choice is None:
            choice = self._choose(facts, language, room, deadline)
            choice = self._cache.keep(facts, language, self._fingerprint, choice)
        added = write_remarks(choice, facts, language, room=room)
        source = Source(writer=Writer.LLM, model=choice.model)
        return write_template(facts, language, added).model_copy(update={"source": source})

    def _choose(self, facts: Facts, language: Language, room: int, deadline: float) -> Choice:
        possible = possible_remarks(facts, language, room=room)
        question = make_question(facts, language, possible=possible)
        read = partial(read_draft, possible=possible)
        draft, model = self._llm.ask(question, read, deadline=deadline)
        return Choice(**dict(draft), model=model)


def _fingerprint(models: list[str]) -> str:
    """The key of stored choices: other models or other instructions give another one."""
    asked = [models, *map(instructions, LANGUAGES)]
    return f"llm-{hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:16]}"
