import os
from typing import TYPE_CHECKING

from pydantic import ValidationError, create_model, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from skinapi.base.area_parts import list_parts
from skinapi.base.settings.clinic import ClinicSettings
from skinapi.base.settings.connections import ConnectionSettings
from skinapi.base.settings.findings import FindingSettings
from skinapi.base.settings.installation import AreaSettings
from skinapi.base.settings.jobs import JobSettings
from skinapi.base.settings.limits import LimitSettings
from skinapi.base.settings.llm import LlmSettings
from skinapi.base.settings.log_in import LogInSettings
from skinapi.base.settings.privacy import PrivacySettings
from skinapi.base.settings.server import MonitoringSettings, ServerSettings

VERSION = "3.0.0.dev0"
# By what data leaves the server, where it is set; the console has words for each.
OUTLETS = ("openrouter_api_key", "smtp_url", "mongo_uri", "rate_limit_storage")

# By the kind of the library's error. Ours say what is wrong themselves.
SENTENCES = {
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than": "must be less than {lt:g}",
    "less_than_equal": "must be at most {le:g}",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_parsing": "must be a number",
    "bool_parsing": "must be true or false",
    "literal_error": "must be {expected}",
    "string_too_long": "must have at most {max_length} characters",
}


def sentences_of(error: ValidationError) -> list[str]:
    sentences = []
    for fault in error.errors(include_input=False):
        known = SENTENCES.get(fault["type"])
        sentence = known.format(**fault.get("ctx", {})) if known else fault["msg"]
        sentences.append(f"{'.'.join(map(str, fault['loc'])).upper()} {sentence}")
    return sentences


# Listed in the documentation from the last class to the first.
class CoreSettings(
    PrivacySettings,
    JobSettings,
    LimitSettings,
    LogInSettings,
    ServerSettings,
    ConnectionSettings,
    ClinicSettings,
    MonitoringSettings,
    FindingSettings,
    LlmSettings,
):
    model_config = SettingsConfigDict(
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,  # a value may be a secret
        populate_by_name=True,
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 (pydantic's signature)
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """An empty variable means the default, even if `.env` has a value: so `MONGO_URI= python -m
        skinapi check` does not use the MongoDB in `.env`.
        """
        emptied = {name.lower() for name, value in os.environ.items() if not value}
        if isinstance(dotenv_settings, DotEnvSettingsSource):
            kept = dotenv_settings.env_vars.items()
            dotenv_settings.env_vars = {name: v for name, v in kept if name.lower() not in emptied}
        return init_settings, env_settings, dotenv_settings, file_secret_settings

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_undecodable(cls, value: object) -> object:
        """Python decodes invalid UTF-8 in the environment to surrogates, which cannot be signed,
        sent or printed.
        """
        if isinstance(value, str) and any(0xD800 <= ord(letter) <= 0xDFFF for letter in value):
            raise PydanticCustomError("not_utf8", "must be UTF-8 text")
        return value

    def list_outlets(self) -> list[str]:
        return [name.upper() for name in OUTLETS if getattr(self, name)]


if TYPE_CHECKING:

    class Settings(CoreSettings): ...

else:
    list_parts("settings")  # the areas' classes
    Settings = create_model(
        "Settings", __base__=(*AreaSettings.__subclasses__(), CoreSettings), __module__=__name__
    )
