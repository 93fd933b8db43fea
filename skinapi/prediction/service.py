"""The main use case: classify a photo for an account, write the narrative, keep both."""

import hashlib

from skinapi.auth.accounts import Account, Accounts
from skinapi.errors import Refused
from skinapi.records.quotas import Quotas
from skinapi.records.service import RecordsService
from skinapi.records.submissions import Submission
from skinapi.registry.service import RegistryService
from skinapi.reports.facts import UNKNOWN, Facts
from skinapi.reports.narrator import Narrator
from skinapi.reports.report import Report
from skinapi.vision.conditions import LANGUAGES, Language
from skinapi.vision.context import Context
from skinapi.vision.finding import Finding
from skinapi.vision.refusals import translate_refusal


class PredictionService:
    def __init__(
        self,
        *,
        accounts: Accounts,
        registry: RegistryService,
        records: RecordsService,
        narrator: Narrator,
        llm: bool,
        quotas: Quotas,
        sample: bytes,
    ) -> None:
        self._accounts = accounts
        self._registry = registry
        self._records = records
        self._narrator = narrator
        self._llm = llm
        self._quotas = quotas
        self._sample = sample
        self._sample_finding: Finding | None = None

    def predict(
        self,
        *,
        account_id: str,
        content: bytes,
        context: Context,
        language: Language | None,
        keep_photo: bool | None,
        key: str | None,
    ) -> tuple[Submission, Account]:
        """The submission and its owner. Raises Refused, NoModel, Unavailable; the same request
        under the same key is answered as it was before, another one raises IdempotencyKeyReused.
        What is new raises StorageQuotaReached, PredictionQuotaReached past the account's share.
        """
        owner = self._accounts.get(account_id)
        asked = _hash(content, context, language, keep_photo)
        answered = self._records.find_answered(owner=owner.id, key=key, request_hash=asked)
        if answered:
            return answered, owner
        self._quotas.take_place(owner)
        spoken = language or _language_of(owner)
        try:
            classified = self._registry.classify_photo(
                content=content,
                context=context,
                keep=self._records.may_keep_photo(owner, keep_photo),
            )
        except Refused as refused:
            raise translate_refusal(refused, spoken) from refused
        narrative = self._narrator.narrate(
            facts=Facts.of(classified.finding, context),
            language=spoken,
            llm=self._llm,
            consents=owner.consents,
        )
        filed = self._records.file_finding(
            owner=owner,
            finding=classified.finding,
            photo=classified.kept,
            context=context,
            language=spoken,
            sections=narrative.sections.model_dump(),
            narrative_source=narrative.source.model_dump(mode="json"),
            key=key,
            request_hash=asked,
        )
        return filed, owner

    def classify_sample(self, *, language: Language) -> tuple[Finding, Report]:
        """Of the sample picture. It is classified once for each model, so that callers without an
        account cost no more than that. Raises NoModel, Unavailable.
        """
        version = self._registry.describe_model().version
        found = self._sample_finding
        if found is None or found.model_version != version:
            found = self._registry.classify_photo(content=self._sample).finding
            self._sample_finding = found
        facts = Facts.of(found, UNKNOWN)
        return found, Report(
            facts=facts, narrative=self._narrator.narrate(facts=facts, language=language)
        )


def _language_of(account: Account) -> Language:
    return next((language for language in LANGUAGES if language == account.locale), "en")


def _hash(content: bytes, context: Context, *rest: object) -> str:
    asked = hashlib.sha256(content)
    asked.update(context.model_dump_json().encode())
    asked.update(repr(rest).encode())
    return asked.hexdigest()
