"""Reads the JSON of a resource that was sent, strictly: what two parsers could read as two things
is refused. https://hl7.org/fhir/R4/json.html
"""

import json
import re
from collections.abc import Mapping
from typing import Any

import pydantic_core

from skinapi.base.errors import InvalidBody, UnsupportedMediaType
from skinapi.base.json_bounds import holds_more_values
from skinapi.integrations.fhir.elements import FHIR_JSON
from skinapi.platform.web.request_parsing import BodyStream

# A patient with all that a hospital writes of them, an order and four photos have about 500.
MOST_VALUES = 5000
TAKEN = (FHIR_JSON, "application/json")
# What is long and begins as base64 does, escaped or not.
PHOTO = re.compile(rb'(?<=")[A-Za-z0-9+/=\\][^"]{1023,}')


def read_json(body: BodyStream) -> dict[str, Any]:
    """The body as a JSON object. Raises UnsupportedMediaType, InvalidBody, BadRequest,
    PayloadTooLarge.
    """
    if body.media_type not in TAKEN or not is_r4(body.parameters):
        raise UnsupportedMediaType(f"Send FHIR R4 as JSON: {FHIR_JSON}")
    data = body.read(-1)
    short = _without_photos(data)
    if holds_more_values(short, MOST_VALUES):
        raise InvalidBody(f"The body holds more than {MOST_VALUES} values")
    try:
        # Without decoding the whole: one letter beyond Latin would make four bytes of each.
        read = pydantic_core.from_json(data, allow_inf_nan=False)
        json.loads(short, object_pairs_hook=_each_once)
    except ValueError as error:
        raise InvalidBody("The body is not valid JSON, or names something twice") from error
    if not isinstance(read, dict):
        raise InvalidBody("The body must be a JSON object")
    return read


def is_r4(parameters: Mapping[str, str]) -> bool:
    """Whether these parameters of a media type name no other version of FHIR."""
    named = (value for name, value in parameters.items() if name.lower() == "fhirversion")
    return all(version.startswith("4.0") for version in named)


def _without_photos(data: bytes) -> bytes:
    """The JSON without what is long and begins as base64 does behind a quote: that is a string, or
    the end of what is JSON. What is left of it is how it escapes the quote behind it.
    """
    # Not by a split: a body of nothing but quotes would take a hundred times its size.
    return PHOTO.sub(lambda found: found[0][len(found[0].rstrip(b"\\")) :], data)


def _each_once(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("a name is repeated")
