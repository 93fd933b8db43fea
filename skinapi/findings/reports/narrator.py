"""Chooses the writer of a narrative: the LLM if it is requested, allowed and available, otherwise
the template. The LLM words an explanation from passages (`explanation.py`); a program keeps the
sentences that say what the passages say on which they rest (`proof.py`). What to do, how urgent
that is and every date are the template's.

Only passages are sent, with names of conditions and rounded numbers: no picture, no text that a
user typed, and no fact about the person, not even the age band.

What is kept of an answer is stored without an owner and deleted with the finding, or after ninety
days: if the store failed before the finding was stored, no deletion would find it.
"""

import hashlib
import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field, StringConstraints, ValidationError

from skinapi.accounts.admin.usage import DailyCounts
from skinapi.base.errors import Duplicate, SkinAPIError
from skinapi.base.languages import Language
from skinapi.base.logs import log, log_fault
from skinapi.base.settings import Settings
from skinapi.base.stored_record import Frozen, StoredRecord
from skinapi.findings.records.decisions import Decision
from skinapi.findings.records.submission import Submission
from skinapi.findings.reports.explanation import (
    Basis,
    Paragraphs,
    WordedSentence,
    choose_passages,
)
from skinapi.findings.reports.facts import Facts
from skinapi.findings.reports.openrouter import DailyBudget, OpenRouterClient, Question
from skinapi.findings.reports.proof import Dropped, prove
from skinapi.findings.reports.report import (
    Narrative,
    NarrativeUnavailable,
    Reason,
    Source,
    Writer,
)
from skinapi.findings.reports.template import write_template
from skinapi.model.passages import PassageReader
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.ports import Filter, Store

MOST_PARAGRAPHS, MOST_SENTENCES, MOST_CITED = 6, 10, 4
MOST_TOKENS = 2000
LEAST_KEPT = 0.5
# Part of the key of what is kept: another rule or other lists of words give another one.
RULE = "reviewed-wordings-5"
INSTRUCTIONS = """\
You put a report on a skin lesion into words, for {reader}, in {language}. You get passages, each
with an id and its wordings. Write {most} short paragraphs at most. Under each sentence name the
passages on which it rests, by their ids.

A program keeps a sentence only if it is made of these wordings, word by word and in their order: no
other tense, article or preposition. So choose one wording of a passage and follow it. The wordings
have marks, your text has none: [x] may be left out; (a|b) is one of them; {{a, b or c}} are all of
them in any order; <a, b or c> are some of them in any order, the last behind "or"; ~it is "it" or
the name of the condition. The halves of a wording that has a semicolon may be two sentences.

You decide what is told, how shortly and in which order, and which wording reads best. A sentence is
one wording, or two of them with a semicolon between; a passage of "finding" is a sentence of its
own. Join nothing by a word of your own. Name the condition in the first sentence about it in each
paragraph, and again behind a passage "others", "management" or "late"; else "it" may stand for its
name right after. Tell each passage once. Add no word of your own: no question, quotation, heading,
list, markup or advice, no time by which something should happen, no "your" before a condition.

{example}"""
EXAMPLES: Mapping[Language, str] = {
    "en": """\
Example. Wordings: "A wart is a (small|) lump[ of the skin]." and "~It may be {rough or flat}[, and
often itches]." A sentence that is kept: "A wart is a lump; it may be flat or rough.\"""",
    "fr": """\
Exemple. Formulations : « Une verrue est un (petit|) bouton[ de la peau]. » et « ~Elle peut être
{rugueuse ou plate}[, et démange souvent]. » Une phrase qui est gardée : « Une verrue est un
bouton ; elle peut être plate ou rugueuse. »""",
}
READERS: Mapping[PassageReader, str] = {
    "patient": "a patient, in plain words",
    "colleague": "a doctor, in clinical words",
}
NAMES: Mapping[Language, str] = {"en": "English", "fr": "French"}


class DraftSentence(Frozen):
    text: Annotated[str, StringConstraints(max_length=600)]
    passages: Annotated[tuple[str, ...], Field(max_length=MOST_CITED)]


Paragraph = Annotated[tuple[DraftSentence, ...], Field(max_length=MOST_SENTENCES)]


class Draft(Frozen):
    """The LLM's answer."""

    paragraphs: Annotated[tuple[Paragraph, ...], Field(min_length=1, max_length=MOST_PARAGRAPHS)]


class WordedExplanation(StoredRecord):
    """What was kept of an LLM's answer: `kept` of the `written` sentences; no paragraph where the
    template's words stand instead.
    """

    paragraphs: Paragraphs
    written: int
    model: str

    @property
    def kept(self) -> int:
        return sum(map(len, self.paragraphs))


def make_question(basis: Basis, reader: PassageReader, language: Language) -> Question:
    return Question(
        name="explanation",
        instructions=INSTRUCTIONS.format(
            reader=READERS[reader],
            language=NAMES[language],
            most=MOST_PARAGRAPHS,
            example=EXAMPLES[language],
        ),
        sent={"passages": {one.id: _unmarked(one.wordings(language)) for one in basis.sent}},
        schema=_schema([one.id for one in basis.sent]),
        most_tokens=MOST_TOKENS,
    )


def _unmarked(wordings: Sequence[str]) -> list[str]:
    """Without the mark that the proof alone needs."""
    return [wording.replace("!", "") for wording in wordings]


def _schema(ids: list[str]) -> dict[str, Any]:
    # Without `maxItems`: not every provider's strict mode knows it.
    sentence = _object(
        text={"type": "string"},
        passages={"type": "array", "items": {"type": "string", "enum": ids}},
    )
    sentences = {"type": "array", "items": sentence}
    return _object(paragraphs={"type": "array", "items": sentences})


def _object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": [*properties],
        "additionalProperties": False,
    }


def read_draft(content: str) -> Draft:
    try:
        return Draft.model_validate_json(content)
    except ValidationError as error:
        raise NarrativeUnavailable(Reason.MALFORMED) from error


def prove_draft(
    draft: Draft, basis: Basis, language: Language
) -> tuple[Paragraphs, Counter[Dropped]]:
    """The sentences that are kept, and how many are not, by reason."""
    sent = {passage.id: passage for passage in basis.sent}
    paragraphs, dropped = list[tuple[WordedSentence, ...]](), Counter[Dropped]()
    for paragraph in draft.paragraphs:
        kept, subject = list[WordedSentence](), None
        for sentence in paragraph:
            cited = [sent[one] for one in dict.fromkeys(sentence.passages) if one in sent]
            proved = prove(sentence.text, cited, language, subject=subject)
            if isinstance(proved, Dropped):
                dropped[proved] += 1
                subject = None
                continue
            subject = proved.subject
            kept.append(WordedSentence(text=sentence.text, passages=proved.passages))
        paragraphs.append(tuple(kept))
    return tuple(filter(None, paragraphs)), dropped


_OF_NONE = ("finding.", "general.")


def is_complete(paragraphs: Paragraphs, basis: Basis) -> bool:
    """Whether each doubt is told, nothing that comforts without what must be told with it, and of a
    condition that is only open no word before it is said to be that.
    """
    told = [one for paragraph in paragraphs for sentence in paragraph for one in sentence.passages]
    together = {one.needs for one in basis.sent if one.id in told and one.needs}
    # What early treatment can do is told with what happens without it, unless that is proven.
    late = {one.replace(".early", ".late") for one in told if one.endswith(".early")}
    together |= late & {one.id for one in basis.sent}
    if basis.lead:
        lead, condition = basis.lead
        # Of conditions the next one behind "what follows", and that one alone.
        of_conditions = [one for one in told if one == lead or not one.startswith(_OF_NONE)]
        about = [one.startswith(f"{condition}.") for one in of_conditions]
        begun = about.index(True) if any(about) else 0
        if (any(about) or lead in told) and of_conditions[max(0, begun - 1) : begun] != [lead]:
            return False
    return {*told} >= basis.needed | together


CONSENT = "llm"
NARRATIVE_LIFETIME = timedelta(days=90)
LLM_DEADLINE_S = 8.0  # that one narrative may wait for the LLM, all attempts together
NOT_ASKED = (Reason.NO_KEY, Reason.NO_CONSENT, Reason.NOTHING_EXAMINED, Reason.NOT_ASKED)
NO_CONSENTS: Mapping[str, bool] = {}


class NarrativeCache:
    def __init__(self, store: Store) -> None:
        self._documents = store.collection("narratives")
        self._documents.ensure_index("facts_hash", "language", "writer", unique=True)
        self._documents.ensure_index("facts_hash")
        self._documents.expire_by("expires_at")

    def find(self, facts: Facts, language: Language, writer: str) -> WordedExplanation | None:
        """`writer` is a fingerprint of what else it depends on: models, passages, the rule."""
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

    def forget(self, submission: Submission) -> None:
        """Delete the explanations written for the facts of a finding, in every language."""
        for told in (submission.as_earlier(), *submission.earlier):
            for finding in (told.finding, told.finding.by_own_mix()):
                facts = Facts.of(finding, told.context)
                self._documents.delete({"facts_hash": facts.hash})


def _key(facts: Facts, language: Language, writer: str) -> Filter:
    return {"facts_hash": facts.hash, "language": language, "writer": writer}


@dataclass(frozen=True, slots=True)
class Narrator:
    """Writes narratives. Without `llm` the template writes all of them."""

    llm: OpenRouterClient | None
    cache: NarrativeCache
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
        again: bool = False,
    ) -> Narrative:
        """Write the narrative. `llm` requests the LLM, which is used only with the operator's key
        and the consent of the owner of the facts; if it fails, `source` holds the reason. `again`:
        what it once wrote is used, and nothing is asked.
        """
        basis = choose_passages(facts, reader, decision=decision, elsewhere=elsewhere)
        if not llm:
            return write_template(facts, language, basis)
        try:
            client = require_llm(self.llm, consents)
            worded = self._word(client, facts, basis, reader, language, again=again)
        except Exception as fault:  # noqa: BLE001 (no fault of a writer may cost the text)
            reason = why_unwritten(fault, language)
            if reason not in NOT_ASKED:
                self.usage.add_writing({"template": 1})
            source = Source(reason=reason)
            return write_template(facts, language, basis).model_copy(update={"source": source})
        source = Source(
            writer=Writer.LLM, model=worded.model, kept=worded.kept, written=worded.written
        )
        narrative = write_template(facts, language, basis, worded.paragraphs)
        return narrative.model_copy(update={"source": source})

    def _word(
        self,
        llm: OpenRouterClient,
        facts: Facts,
        basis: Basis,
        reader: PassageReader,
        language: Language,
        *,
        again: bool,
    ) -> WordedExplanation:
        deadline = time.monotonic() + LLM_DEADLINE_S
        if not basis.groups:
            raise NarrativeUnavailable(Reason.NOTHING_EXAMINED)
        question = make_question(basis, reader, language)
        key = _fingerprint(question, llm.models)
        found = self.cache.find(facts, language, key)
        if found is not None:
            return _require_words(found)
        if again:
            raise NarrativeUnavailable(Reason.NOT_ASKED)
        began = time.monotonic()
        reading = llm.ask(question, read_draft, deadline=deadline)
        paragraphs, dropped = prove_draft(reading.answer, basis, language)
        written = sum(map(len, reading.answer.paragraphs))
        worded = WordedExplanation(paragraphs=paragraphs, written=written, model=reading.model)
        self._count(worded, dropped, seconds=time.monotonic() - began, tokens=reading.tokens)
        if worded.kept < LEAST_KEPT * written or not is_complete(paragraphs, basis):
            worded = worded.model_copy(update={"paragraphs": ()})  # the next answer would be as bad
        return _require_words(self.cache.keep(facts, language, key, worded))

    def _count(
        self, worded: WordedExplanation, dropped: Counter[Dropped], *, seconds: float, tokens: int
    ) -> None:
        """Never the text of a sentence."""
        figures = {f"dropped_{reason}": count for reason, count in dropped.items()}
        figures |= {"answers": 1, "kept": worded.kept, "tokens": tokens}
        self.usage.add_writing({**figures, "milliseconds": round(1000 * seconds)})


def _require_words(worded: WordedExplanation) -> WordedExplanation:
    if not worded.paragraphs:
        raise NarrativeUnavailable(Reason.UNPROVED)
    return worded


def _fingerprint(question: Question, models: list[str]) -> str:
    """The key of what is kept: equal for the same passages, reader, language, models and rule."""
    asked = [RULE, models, question.instructions, question.sent]
    return f"llm-{hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:16]}"


def require_llm(llm: OpenRouterClient | None, consents: Mapping[str, bool]) -> OpenRouterClient:
    if llm is None:
        raise NarrativeUnavailable(Reason.NO_KEY)
    if not consents.get(CONSENT, False):
        raise NarrativeUnavailable(Reason.NO_CONSENT)
    return llm


def why_unwritten(fault: Exception, language: Language) -> Reason:
    """Log why the LLM has not written. Call it where the fault is caught."""
    if isinstance(fault, NarrativeUnavailable):
        reason = fault.reason
    elif isinstance(fault, SkinAPIError):
        reason = Reason.STORE
    else:
        log_fault(fault)
        reason = Reason.FAULT
    # Without a key or consent nothing went wrong, so that is no warning.
    write_log = log.info if reason in NOT_ASKED else log.warning
    write_log("LLM text unavailable, template used", reason=reason, language=language)
    return reason


def open_llm(settings: Settings, store: Store) -> OpenRouterClient | None:
    """None without an API key: then nothing is ever sent."""
    key = settings.secret("openrouter_api_key")
    if key is None:
        return None
    return OpenRouterClient(
        url=settings.openrouter_url,
        key=key,
        models=settings.llm_models,
        budget=DailyBudget(store, most=settings.llm_daily_budget),
    )
