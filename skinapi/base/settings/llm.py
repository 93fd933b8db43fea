from typing import Literal

from pydantic import Field, NonNegativeInt, SecretStr, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from skinapi.base.settings.installation import InstallationSettings
from skinapi.base.settings.value_checks import split_in_order


class LlmSettings(InstallationSettings):
    openrouter_api_key: SecretStr | None = Field(
        default=None,
        description="Key of the LLM provider. If empty, nothing is ever sent to an LLM.",
    )
    openrouter_models: str = Field(
        default="openai/gpt-4.1-mini,google/gemini-2.5-flash",
        description="The LLM that writes, then the replacements in order. Comma-separated.",
    )
    openrouter_checker_models: str = Field(
        default="anthropic/claude-haiku-4.5,mistralai/mistral-medium-3.1",
        description="The LLM that checks each sentence, and its replacements, of other makers "
        "(the part before the slash) than OPENROUTER_MODELS.",
    )
    openrouter_url: str = Field(
        default="https://openrouter.ai/api/v1",
        description="Address of the LLM provider. `https://`, except on this machine.",
    )
    llm_company: str | None = Field(
        default=None,
        max_length=200,
        description="Name and country of the company at OPENROUTER_URL, which patients read "
        "before they consent. If empty: OpenRouter. After a change, patients are asked again.",
    )
    predict_narrative: Literal["template", "llm"] = Field(
        default="template",
        description="Who writes the sections in answers of `POST /predict`: the template alone, "
        "or an LLM in addition.",
    )
    llm_daily_budget: NonNegativeInt = Field(
        default=1000,
        le=10**9,
        description="LLM requests of all accounts in a day (UTC); one account takes at most a "
        "tenth. An explanation takes two.",
    )

    @field_validator("openrouter_checker_models")
    @classmethod
    def _refuse_one_maker_for_both(cls, value: str, info: ValidationInfo) -> str:
        makers = {name.partition("/")[0] for name in split_in_order(value)}
        writers = split_in_order(info.data.get("openrouter_models", ""))
        if not makers or makers & {name.partition("/")[0] for name in writers}:
            raise PydanticCustomError("maker", "must be of other makers than OPENROUTER_MODELS")
        return value

    @property
    def llm_models(self) -> list[str]:
        return split_in_order(self.openrouter_models)

    @property
    def checker_models(self) -> list[str]:
        return split_in_order(self.openrouter_checker_models)
