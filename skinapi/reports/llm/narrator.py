"""Chooses the writer of a narrative: the LLM if it is requested, allowed and available, otherwise
the template.
"""

from collections.abc import Mapping

from skinapi.errors import SkinAPIError
from skinapi.languages import Language
from skinapi.logs import log
from skinapi.reports.facts import Facts
from skinapi.reports.llm.budget import DailyBudget
from skinapi.reports.llm.cache import NarrativeCache
from skinapi.reports.llm.openrouter import OpenRouterWriter
from skinapi.reports.narrative import Narrative, NarrativeUnavailable, Reason, Source
from skinapi.reports.text.template import write_template
from skinapi.settings import Settings
from skinapi.storage.ports import Store
from skinapi.web.answers.error_responses import log_fault

CONSENT = "llm"
LLM_DEADLINE_S = 8.0  # that one narrative may wait for the LLM, all attempts together
NOT_ASKED = (Reason.NO_KEY, Reason.NO_CONSENT)
NO_CONSENTS: Mapping[str, bool] = {}


class Narrator:
    def __init__(self, llm: OpenRouterWriter | None) -> None:
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
        try:
            return self._writer_for(consents).write(facts, language)
        except NarrativeUnavailable as unwritten:
            reason = unwritten.reason
        except SkinAPIError:
            reason = Reason.STORE
        except Exception as fault:  # noqa: BLE001 (no fault of a writer may cost the report)
            log_fault(fault)
            reason = Reason.FAULT
        # Without a key or consent nothing went wrong, so that is no warning.
        write_log = log.info if reason in NOT_ASKED else log.warning
        write_log("LLM narrative unavailable, template used", reason=reason, language=language)
        narrative = write_template(facts, language)
        return narrative.model_copy(update={"source": Source(reason=reason)})

    def _writer_for(self, consents: Mapping[str, bool]) -> OpenRouterWriter:
        if self._llm is None:
            raise NarrativeUnavailable(Reason.NO_KEY)
        if not consents.get(CONSENT, False):
            raise NarrativeUnavailable(Reason.NO_CONSENT)
        return self._llm


def open_narrator(settings: Settings, *, store: Store, cache: NarrativeCache) -> Narrator:
    """Build the narrator. Without an API key it never sends anything."""
    key = settings.secret("openrouter_api_key")
    if key is None:
        return Narrator(None)
    return Narrator(
        OpenRouterWriter(
            url=settings.openrouter_url,
            key=key,
            models=settings.llm_models,
            deadline_s=LLM_DEADLINE_S,
            cache=cache,
            budget=DailyBudget(store, most=settings.llm_daily_budget),
        )
    )
