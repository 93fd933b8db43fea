"""Chooses the writer of a narrative: the LLM if it is requested, allowed and available, otherwise
the template. The LLM chooses sentences that are added to the template's, by their ids; names and
numbers are filled in from the facts here, so no answer of an LLM can change one.

Only names of conditions, enums and rounded numbers are sent: no picture, no text that a user typed,
and no fact about the person, not even the age band, nor the probabilities that would reveal it.

Its choice is stored without an owner and deleted with the finding, or after ninety days: if the
store failed before the finding was stored, no deletion would find it.
"""

import hashlib
import json
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, partial
from typing import Annotated, Any

from pydantic import Field, ValidationError

from skinapi.base.errors import Duplicate, SkinAPIError
from skinapi.base.languages import LANGUAGES, Language
from skinapi.base.logs import log, log_fault
from skinapi.base.settings import Settings
from skinapi.base.stored_record import Frozen, StoredRecord
from skinapi.findings.records.submission import Submission
from skinapi.findings.reports.facts import Facts
from skinapi.findings.reports.openrouter import DailyBudget, OpenRouterClient, Question
from skinapi.findings.reports.report import (
    MOST_CHARACTERS,
    Narrative,
    NarrativeUnavailable,
    Reason,
    Source,
    Writer,
)
from skinapi.findings.reports.template import SectionAdditions, write_template
from skinapi.findings.reports.words import SENTENCES, Remark
from skinapi.model.bands import RaisedBy
from skinapi.model.conditions import conditions_table
from skinapi.model.headline import Ranked, say_chance, say_share
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.ports import Filter, Store

SHORTEST_TEXT, LONGEST_TEXT = 80, 300
MOST_REMARKS = 4  # in each text
MOST_TOKENS = 800
INSTRUCTIONS = """\
A computer model has judged a picture of a skin lesion. The report on it is complete: what the
condition is, every figure, how urgent it is and what to do are said already. You choose a few
sentences that help a reader to see how its figures hang together: `overview` follows what was
found, `confidence_explanation` follows the probabilities.

For each of the two, name by their ids one to {most} sentences of this list, in the order of the
list, none in both. What stands in braces is filled in from the facts.
{sentences}"""

Remarks = Annotated[tuple[Remark, ...], Field(min_length=1, max_length=MOST_REMARKS)]


class Draft(Frozen):
    """The LLM's answer."""

    overview: Remarks
    confidence_explanation: Remarks


def free_characters(template: Narrative) -> int:
    """The number of characters that each text of the LLM may have, beside the template's."""
    taken = sum(len(section) + 1 for section in template.sections.model_dump().values())
    room = min(LONGEST_TEXT, (MOST_CHARACTERS - taken) // 2)
    if room < SHORTEST_TEXT:
        raise NarrativeUnavailable(Reason.NO_ROOM)
    return room


def make_question(facts: Facts, language: Language, *, possible: Collection[Remark]) -> Question:
    return Question(
        name="narrative",
        instructions=instructions(language),
        sent=sent_facts(facts, language),
        schema=_schema(possible),
        most_tokens=MOST_TOKENS,
    )


def instructions(language: Language) -> str:
    listed = (f"- {remark}: {said}" for remark, said in SENTENCES[language].remarks.items())
    return INSTRUCTIONS.format(most=MOST_REMARKS, sentences="\n".join(listed))


def sent_facts(facts: Facts, language: Language) -> dict[str, Any]:
    table, shown = conditions_table(), facts.shown

    def share(value: float, *, malignant: bool) -> str:
        return say_share(value, malignant=malignant).in_language(language)

    def share_of(key: str, value: float) -> str:
        return share(value, malignant=key in table.malignant_keys)

    return {
        "language": language,
        "stated": table.name(facts.stated, language),
        "confidence": share_of(facts.stated, facts.shown_confidence),
        "ranked": [
            {
                "name": table.name(entry.key, language),
                "probability": share_of(entry.key, entry.probability),
            }
            for entry in shown.ranked
        ],
        "malignant_score": None
        if shown.malignant_score is None
        else share(shown.malignant_score, malignant=True),
        "band": facts.band,
        # Without the skin tone, which this rule would give away.
        "raised_by": [rule for rule in facts.raised_by if rule is not RaisedBy.UNTESTED_SKIN],
        "doubts": facts.reasons,
        "not_dermoscopic": facts.not_dermoscopic,
        "checklist_score": facts.checklist_score,
    }


def read_draft(content: str, possible: Collection[Remark]) -> Draft:
    try:
        draft = Draft.model_validate_json(content)
    except ValidationError as error:
        raise NarrativeUnavailable(Reason.MALFORMED) from error
    if not {*draft.overview, *draft.confidence_explanation} <= {*possible}:
        raise NarrativeUnavailable(Reason.MALFORMED)
    return draft


def _schema(possible: Collection[Remark]) -> dict[str, Any]:
    texts = list(Draft.model_fields)
    # Without `maxItems`: not every provider's strict mode knows it.
    ids = {"type": "array", "items": {"type": "string", "enum": [*possible]}}
    return {
        "type": "object",
        "properties": dict.fromkeys(texts, ids),
        "required": texts,
        "additionalProperties": False,
    }


class RemarkChoice(StoredRecord):
    """What an LLM has chosen to add to two sections."""

    overview: tuple[Remark, ...]
    confidence_explanation: tuple[Remark, ...]
    model: str


def possible_remarks(facts: Facts, language: Language, *, room: int) -> dict[Remark, str]:
    """The sentences that these facts of a picture can fill in, at most `room` characters each."""
    left_out = {
        Remark.SCORE: facts.malignant_score is None,
        Remark.SCORE_ADDS: facts.malignant_score is None,
        Remark.CHECKLIST: facts.checklist_score is None,
        Remark.HIGHEST_PROBABILITY: facts.shown.ranked[0].key == facts.headline.named.key,
    }
    values = _values(facts, language)
    filled = {
        remark: sentence.format(**values)
        for remark, sentence in SENTENCES[language].remarks.items()
        if not left_out.get(remark, False)
    }
    return {remark: said for remark, said in filled.items() if len(said) <= room}


def write_remarks(
    choice: RemarkChoice, facts: Facts, language: Language, *, room: int
) -> SectionAdditions:
    """Each sentence once, in the order of the catalogue, as far as there is room in its section."""
    possible = possible_remarks(facts, language, room=room)
    # What one section has said the other does not repeat.
    later = {*choice.confidence_explanation} - {*choice.overview}
    return SectionAdditions(
        overview=_join({*choice.overview}, possible, room),
        confidence_explanation=_join(later, possible, room),
    )


def _join(chosen: Collection[Remark], possible: dict[Remark, str], room: int) -> str:
    text = ""
    for remark in Remark:
        if remark in chosen and remark in possible:
            longer = f"{text} {possible[remark]}".strip()
            text = longer if len(longer) <= room else text
    return text


def _values(facts: Facts, language: Language) -> dict[str, str]:
    """Patients read these sentences: a probability is in whole numbers."""
    table, named, shown = conditions_table(), facts.headline.named, facts.shown

    def chance(share: float, *, malignant: bool) -> str:
        said = say_chance(share, malignant=malignant, in_hundreds=facts.in_hundreds)
        return said.in_language(language)

    def chance_of(entry: Ranked) -> str:
        return chance(entry.probability, malignant=entry.key in table.malignant_keys)

    return {
        "name": table.name(named.key, language),
        "share": chance_of(named),
        "highest": table.name(shown.ranked[0].key, language),
        "highest_share": chance_of(shown.ranked[0]),
        "score": chance(shown.malignant_score or 0, malignant=True),
        "points": str(facts.checklist_score),
    }


CONSENT = "llm"
NARRATIVE_LIFETIME = timedelta(days=90)
LLM_DEADLINE_S = 8.0  # that one narrative may wait for the LLM, all attempts together
NOT_ASKED = (Reason.NO_KEY, Reason.NO_CONSENT)
NO_CONSENTS: Mapping[str, bool] = {}


class NarrativeCache:
    def __init__(self, store: Store) -> None:
        self._documents = store.collection("narratives")
        self._documents.ensure_index("facts_hash", "language", "writer", unique=True)
        self._documents.ensure_index("facts_hash")
        self._documents.expire_by("expires_at")

    def find(self, facts: Facts, language: Language, writer: str) -> RemarkChoice | None:
        """`writer` is a fingerprint of what else it depends on: models and instructions."""
        rows = self._documents.find(_key(facts, language, writer), limit=1)
        return RemarkChoice.model_validate(rows[0]["choice"]) if rows else None

    def keep(
        self, facts: Facts, language: Language, writer: str, choice: RemarkChoice
    ) -> RemarkChoice:
        """Store a choice and return it, or that of a request that was faster."""
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
        """Delete the choices made for the facts of a finding, in every language."""
        for finding in (submission.finding, submission.finding.by_own_mix()):
            facts = Facts.of(finding, submission.context)
            self._documents.delete({"facts_hash": facts.hash})


def _key(facts: Facts, language: Language, writer: str) -> Filter:
    return {"facts_hash": facts.hash, "language": language, "writer": writer}


@dataclass(frozen=True, slots=True)
class Narrator:
    """Writes narratives. Without `llm` the template writes all of them."""

    llm: OpenRouterClient | None
    cache: NarrativeCache

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
    ) -> Narrative:
        """Write the narrative. `llm` requests the LLM, which is used only with the operator's key
        and the consent of the owner of the facts; if it fails, `source` holds the reason.
        """
        if not llm:
            return write_template(facts, language)
        try:
            return self._write(require_llm(self.llm, consents), facts, language)
        except Exception as fault:  # noqa: BLE001 (no fault of a writer may cost the text)
            source = Source(reason=why_unwritten(fault, language))
        return write_template(facts, language).model_copy(update={"source": source})

    def _write(self, llm: OpenRouterClient, facts: Facts, language: Language) -> Narrative:
        deadline = time.monotonic() + LLM_DEADLINE_S
        if not facts.examined:
            raise NarrativeUnavailable(Reason.NOTHING_EXAMINED)
        room = free_characters(write_template(facts, language))
        key = _fingerprint(tuple(llm.models))
        choice = self.cache.find(facts, language, key)
        if choice is None:
            choice = _choose(llm, facts, language, room, deadline)
            choice = self.cache.keep(facts, language, key, choice)
        added = write_remarks(choice, facts, language, room=room)
        source = Source(writer=Writer.LLM, model=choice.model)
        return write_template(facts, language, added).model_copy(update={"source": source})


def _choose(
    llm: OpenRouterClient, facts: Facts, language: Language, room: int, deadline: float
) -> RemarkChoice:
    possible = possible_remarks(facts, language, room=room)
    question = make_question(facts, language, possible=possible)
    read = partial(read_draft, possible=possible)
    draft, model = llm.ask(question, read, deadline=deadline)
    return RemarkChoice(**dict(draft), model=model)


@cache
def _fingerprint(models: tuple[str, ...]) -> str:
    """The key of stored choices: other models or instructions give another one."""
    asked = [models, *map(instructions, LANGUAGES)]
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
