"""A `Bundle` that is sent: a transaction, which is all or nothing, or a batch, of which each entry
stands alone. https://hl7.org/fhir/R4/http.html#transaction
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl

from pydantic import ValidationError

from skinapi.base.errors import InvalidBody, SkinAPIError
from skinapi.integrations.fhir.sent_resources import KINDS, Identifier, Sent, open_resource
from skinapi.platform.web.request_parsing import sentence_of

LONGEST_CONDITION = 2000
MOST_ENTRIES = 20
TYPES: Mapping[str, Literal["transaction", "batch"]] = {
    "transaction": "transaction",
    "batch": "batch",
}
ABSOLUTE = ("urn:uuid:", "urn:oid:", "http://", "https://")
CONDITIONS = ("ifMatch", "ifModifiedSince", "ifNoneMatch")
# These are found by their identifiers, so they can be created on a condition.
IDENTIFIED = ("Patient", "ServiceRequest")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """`wanted` is the identifier of `ifNoneExist`. In a batch, `error` is why `sent` is None."""

    sent: Sent | None = None
    wanted: Identifier | None = None
    error: SkinAPIError | None = field(default=None)


def read_bundle(raw: Mapping[str, Any]) -> tuple[Literal["transaction", "batch"], list[Entry]]:
    """The type and the entries. Raises InvalidBody; of a batch only about the whole."""
    if raw.get("resourceType") != "Bundle":
        raise InvalidBody("Send a Bundle here, and a resource to the address of its kind")
    kind = TYPES.get(str(raw.get("type")))
    if kind is None:
        raise InvalidBody(f"Bundle.type must be {' or '.join(TYPES)}")
    held = raw.get("entry")
    if not isinstance(held, list) or not 1 <= len(held) <= MOST_ENTRIES:
        raise InvalidBody(f"A Bundle has 1 to {MOST_ENTRIES} entries")
    frame = _validate(raw, held)
    entries = []
    for number, (one, checked) in enumerate(zip(held, frame.entry, strict=True)):
        place = f"Bundle.entry[{number}]"
        try:
            entries.append(_read_entry(one, checked, place))
        except SkinAPIError as error:
            if kind == "transaction":
                raise
            entries.append(Entry(error=error))
    urls = [entry.sent.url for entry in entries if entry.sent and entry.sent.url]
    if len(set(urls)) < len(urls):
        raise InvalidBody("Two entries have the same fullUrl")
    return kind, entries


def _validate(raw: Mapping[str, Any], held: list[Any]) -> Any:
    """The bundle without its resources, which are checked one by one."""
    from fhir.resources.R4B.bundle import Bundle  # noqa: PLC0415

    if not all(isinstance(one, dict) for one in held):
        raise InvalidBody("Each entry of a Bundle is an object")
    bare = [{name: value for name, value in one.items() if name != "resource"} for one in held]
    try:
        return Bundle.model_validate({**raw, "entry": bare})
    except ValidationError as error:
        raise InvalidBody(f"Bundle.{sentence_of(error, missing=None)}") from error
    except (LookupError, TypeError, ValueError) as error:
        raise InvalidBody("It is no valid Bundle") from error


def _read_entry(raw: Mapping[str, Any], checked: Any, place: str) -> Entry:
    request, url = checked.request, checked.fullUrl
    if request is None or request.method != "POST" or request.url not in KINDS:
        raise InvalidBody(f"{place}.request: POST one of {', '.join(KINDS)}; nothing else is done")
    if any(getattr(request, name) is not None for name in CONDITIONS):
        raise InvalidBody(f"{place}.request: of the conditions, only ifNoneExist is taken")
    if url is not None and not url.startswith(ABSOLUTE):
        raise InvalidBody(f"{place}.fullUrl: an absolute address, such as urn:uuid:…")
    if checked.modifierExtension or request.modifierExtension:
        raise InvalidBody(f"{place}: a modifierExtension is not taken")
    sent = open_resource(raw.get("resource"), f"{place}.resource", url=url)
    if request.url != sent.kind:
        raise InvalidBody(f"{place}: request.url names another kind than the resource")
    return Entry(sent=sent, wanted=read_condition(request.ifNoneExist, sent))


def read_condition(text: str | None, sent: Sent) -> Identifier | None:
    """The identifier that a creation on a condition names. Raises InvalidBody."""
    if not text:
        return None
    asked = parse_qsl(text.rpartition("?")[2]) if len(text) <= LONGEST_CONDITION else []
    if len(asked) == 1 and asked[0][0] == "identifier" and sent.kind in IDENTIFIED:
        system, bar, value = asked[0][1].partition("|")
        if system and bar and value:
            return Identifier(system, value)
    raise sent.refuse("ifNoneExist is identifier=system|value, of a Patient or a ServiceRequest")
