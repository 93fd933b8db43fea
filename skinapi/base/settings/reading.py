"""Reads the settings, and finds all that is wrong with them at once."""

import os
import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from pydantic_settings import DotEnvSettingsSource

from skinapi.base.errors import UnsafeSettings
from skinapi.base.settings import Settings, sentences_of
from skinapi.base.settings.safety import faults_of

ALIASES = ("RENDER_EXTERNAL_URL",)
# What compose.yaml reads from the same file.
OF_COMPOSE = ("MONGO_PASSWORD", "MONGO_ROOT_PASSWORD", "CERTIFICATES")
# Of the environment, which is full of names of others. METRIC_TOKEN is at 0.96, MONGODB_URI at 0.9.
CLOSE = 0.82
SHORTEST_NAME = 6
# A line of `.env` that is not like this is maybe a secret that was broken into lines: not repeated.
NAME = re.compile(r"[A-Z][A-Z0-9_]{0,39}")
BROKEN_LINE = "A line of .env is no NAME=value: a value, such as a secret, must be on one line"


def read_settings() -> Settings:
    """The settings of the environment and of `.env`. Raises UnsafeSettings with a line for each
    that cannot be read, and for each that is not safe beside these.
    """
    try:
        return Settings()
    except (OSError, UnicodeDecodeError):
        # Without its cause: that quotes the file, which may hold secrets.
        raise UnsafeSettings(".env cannot be read: it must be a file of UTF-8 text") from None
    except ValidationError as error:
        raise UnsafeSettings("\n".join(_with_the_others(error))) from None


def _with_the_others(error: ValidationError) -> list[str]:
    """What is wrong with the others is said too, as if those that cannot be read were not set."""
    unread = {_field_of(str(fault["loc"][0])) for fault in error.errors(include_input=False)}
    defaults: dict[str, Any] = {
        name: Settings.model_fields[name].default
        for name in unread
        if name in Settings.model_fields
    }
    try:
        others = faults_of(Settings(**defaults))
    except ValidationError:
        others = []
    return [*sentences_of(error), *others, *odd_names()]


def _field_of(place: str) -> str:
    """A setting with two names is reported by the one that it was read by."""
    return "public_url" if place.upper() in ALIASES else place.lower()


def odd_names() -> list[str]:
    """A sentence for each name that is no setting but looks as if somebody meant one: all that are
    in `.env`, and those of the environment that are close to a setting's.
    """
    known = {name.upper() for name in Settings.model_fields} | {*ALIASES}
    lines = DotEnvSettingsSource(Settings).env_vars
    written = {name.upper() for name in lines} - {*OF_COMPOSE}
    broken = {name for name in written - known if not _is_named(name, lines)}
    unknown = sorted(written - known - broken)
    close = [name for name in map(str.upper, sorted(os.environ)) if name not in known | written]
    unknown += [name for name in close if len(name) >= SHORTEST_NAME and _closest(name)]
    return [*map(_say_odd, unknown), *([BROKEN_LINE] if broken else [])]


def _is_named(name: str, lines: Mapping[str, str | None]) -> bool:
    """Whether a line is like NAME=value, and no piece of base64, which may end with `=` too."""
    value = lines.get(name.lower())
    return value is not None and set(value) != {"="} and bool(NAME.fullmatch(name))


def _closest(name: str) -> str | None:
    settings = [each.upper() for each in Settings.model_fields]
    return next(iter(get_close_matches(name, settings, n=1, cutoff=CLOSE)), None)


def _say_odd(name: str) -> str:
    closest = _closest(name)
    return f"{name} is no setting" + (f": did you mean {closest}?" if closest else "")
