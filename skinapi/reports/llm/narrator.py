"""Chooses the writer of a narrative: the LLM if it is requested, allowed and available, otherwise
the template.
"""

from collections.abc import Callable, Mapping
from typing import TypeVar

from skinapi.errors import SkinAPIError
from skinapi.languages import Language
from skinapi.logs import log
from skinapi.reports.facts import Facts
from skinapi.reports.llm.budget import DailyBudget
from skinapi.reports.llm.cache import NarrativeCache
from skinapi.reports.llm.narrative_writer import NarrativeWriter
from skinapi.reports.llm.openrouter import OpenRouterClient
from skinapi.reports.narrative import Narrative, NarrativeUnavailable, Reason, Source
from skinapi.reports.text.template import write_template
from skinapi.settings import Settings
from skinapi.storage.ports import Store
from skinapi.web.answers.error_responses import log_fault

CONSENT = "llm"
LLM_DEADLINE_S = 8.0  # that one narrative may wait for the LLM, all attempts together
NOT_ASKED = (Reason.NO_KEY, Reason.NO_CONSENT)
T = TypeVar("T")
NO_CONSENTS: Mapping[str, bool] = {}


class Narrator:
    def __init__(self, llm: NarrativeWriter | None) -> None:
        self._llm = llm

    def narrate(
        self,
        *,
        facts: Facts,
        language: Language,
        llm: bool = False,
        consents: Mapping[str, bool] = NO_CONSENTS,
    ) -> Narrative:
        """Write the narrative of these facts. There is always a result.

        `llm` requests the LLM. It is used only with the operator's key and with the consent of the
        owner of the facts. If it fails, the template writes, and `source` holds the reason.
        """
        if not llm:
            return write_template(facts, language)
        written = write_or_reason(
            lambda: self._writer_for(consents).write(facts, language), language
        )
        if isinstance(written, Narrative):
            return written
        narrative = write_template(facts, language)
        return narrative.model_copy(update={"source": Source(reason=written)})

    def _writer_for(self, consents: Mapping[str, bool]) -> NarrativeWriter:
        if self._llm is None:
            raise NarrativeUnavailable(Reason.NO_KEY)
        require_consent(consents)
        return self._llm


def require_consent(consents: Mapping[str, bool]) -> None:
    """Raises NarrativeUnavailable without the consent of the owner of the facts."""
    if not consents.get(CONSENT, False):
        raise NarrativeUnavailable(Reason.NO_CONSENT)


def write_or_reason(write: Callable[[], T], language: Language) -> T | Reason:
    """What the LLM writes; where it does not, the reason, which is logged."""
    try:
        return write()
    except NarrativeUnavailable as unwritten:
        reason = unwritten.reason
    except SkinAPIError:
        reason = Reason.STORE
    except Exception as fault:  # noqa: BLE001 (no fault of a writer may cost the text)
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


def open_narrator(llm: OpenRouterClient | None, cache: NarrativeCache) -> Narrator:
    if llm is None:
        return Narrator(None)
    return Narrator(NarrativeWriter(llm, deadline_s=LLM_DEADLINE_S, cache=cache))
