"""Strict parsing and validation of received resources. JSON that two parsers could read differently
is refused. Resources are checked with the models of `fhir.resources`, and codes that those accept
with the tables here. https://hl7.org/fhir/R4/servicerequest.html,
https://hl7.org/fhir/R4/media.html, https://hl7.org/fhir/R4/patient.html,
https://hl7.org/fhir/R4/http.html#transaction
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import pydantic_core
from pydantic import ValidationError

from skinapi.base.errors import InvalidBody, UnsupportedMediaType
from skinapi.base.field_types import read_phone
from skinapi.base.size_limits import holds_more_values
from skinapi.integrations.fhir.elements import FHIR_JSON
from skinapi.platform.web.request_parsing import BodyStream, sentence_of

# A patient with all that a hospital writes of them, an order and four photos have about 500.
MOST_VALUES = 5000
JSON_TYPES = (FHIR_JSON, "application/json")
# Long texts that begin like base64, escaped or not.
PHOTO = re.compile(rb'(?<=")[A-Za-z0-9+/=\\][^"]{1023,}')

KINDS = ("Patient", "ServiceRequest", "Media", "Binary", "Consent")
# What is used of each, or means nothing for a finding. Whatever else is sent is told to the sender.
_USED: Mapping[str, frozenset[str]] = {
    kind: frozenset(f"resourceType id meta language text contained {elements}".split())
    for kind, elements in {
        "Patient": "identifier active gender birthDate link telecom",
        "ServiceRequest": "identifier status intent priority doNotPerform code category subject "
        "authoredOn bodySite supportingInfo performer",
        "Media": "identifier status type modality subject createdDateTime bodySite content "
        "width height",
        "Binary": "contentType data",
        "Consent": "identifier status scope category patient dateTime policyRule provision",
    }.items()
}
# A ServiceRequest with one of these withdraws its finding.
TAKEN_BACK = ("entered-in-error", "revoked")
# By the value sets that FHIR requires; of a status and an intent those that ask for something.
_CODES: Mapping[str, Mapping[str, Collection[str]]] = {
    "Patient": {"gender": ("male", "female", "other", "unknown")},
    "ServiceRequest": {
        "status": ("active", *TAKEN_BACK),
        "intent": ("order", "original-order", "reflex-order", "filler-order", "instance-order"),
        "priority": ("routine", "urgent", "asap", "stat"),
    },
    "Media": {"status": ("completed",)},
    "Consent": {"status": ("active",)},
    "Identifier": {"use": ("usual", "official", "temp", "secondary", "old")},
}
# Elements that turn the meaning of a resource around, with the values that do not.
_MODIFIERS: Mapping[str, Collection[object]] = {
    "active": (None, True),
    "doNotPerform": (None, False),
    "implicitRules": (None,),
    "modifierExtension": (None,),
}

MOST_ENTRIES = 20
LONGEST_CONDITION = 2000
ABSOLUTE = ("urn:uuid:", "urn:oid:", "http://", "https://")
CONDITIONS = ("ifMatch", "ifModifiedSince", "ifNoneMatch")
# These are found by identifier, so conditional creation is possible.
IDENTIFIED = ("Patient", "ServiceRequest")


def read_json(body: BodyStream) -> dict[str, Any]:
    if body.media_type not in JSON_TYPES or not is_r4(body.parameters):
        raise UnsupportedMediaType(f"Send FHIR R4 as JSON: {FHIR_JSON}")
    data = body.read(-1)
    # Without what is long and begins as base64 does behind a quote: that is a string, or the end of
    # what is JSON. What is left of it is how it escapes the quote behind it. Not by a split: a body
    # of nothing but quotes would take a hundred times its size.
    short = PHOTO.sub(lambda photo: photo[0][len(photo[0].rstrip(b"\\")) :], data)
    if holds_more_values(short, MOST_VALUES):
        raise InvalidBody(f"The body holds more than {MOST_VALUES} values")
    try:
        # Without decoding the whole: one letter beyond Latin would make four bytes of each.
        content = pydantic_core.from_json(data, allow_inf_nan=False)
        json.loads(short, object_pairs_hook=_refuse_repeated)
    except ValueError as error:
        raise InvalidBody("The body is not valid JSON, or names something twice") from error
    if not isinstance(content, dict):
        raise InvalidBody("The body must be a JSON object")
    return content


def is_r4(parameters: Mapping[str, str]) -> bool:
    named = (value for name, value in parameters.items() if name.lower() == "fhirversion")
    return all(version.startswith("4.0") for version in named)


def _refuse_repeated(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("a name is repeated")


class Identifier(NamedTuple):
    system: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One resource. `place` is its path in the body, `url` its address within a bundle, and `data`
    its content in base64, which its `model` lacks.
    """

    place: str
    kind: str
    model: Any = field(repr=False)
    url: str | None = None
    data: str | None = field(default=None, repr=False)
    ignored: tuple[str, ...] = ()
    contained: Mapping[str, "Sent"] = field(default_factory=dict, repr=False)

    def refuse(self, says: str) -> InvalidBody:
        return InvalidBody(f"{self.place} ({self.kind}): {says}")

    @property
    def phone(self) -> str | None:
        for telecom in self.model.telecom or ():
            if telecom.system == "phone" and telecom.use != "old":
                with suppress(ValueError):
                    return read_phone(telecom.value or "")
        return None

    @property
    def notes(self) -> list[str]:
        unread = self.kind == "Patient" and self.model.telecom and not self.phone
        ignored = ", ".join(sorted((*self.ignored, *(["telecom"] if unread else ()))))
        return [f"{self.place} ({self.kind}): not read and not kept: {ignored}"] if ignored else []

    def one_identifier(self, wanted: Identifier | None = None) -> Identifier:
        """The identifier of a conditional creation, or else the only one, or else the only official
        one.
        """
        held: dict[Identifier, bool] = {}
        for item in getattr(self.model, "identifier", None) or ():
            # Without a system one says nothing.
            if item.use != "old" and item.system and item.value:
                named = Identifier(item.system, item.value)
                held[named] = held.get(named, False) or item.use == "official"
        if wanted is not None and wanted not in held:
            raise self.refuse("ifNoneExist names an identifier that it does not have")
        official = [named for named, is_official in held.items() if is_official]
        candidates = official if official and len(held) > 1 else [*held]
        if wanted or len(candidates) == 1:
            return wanted or candidates[0]
        raise self.refuse(
            "it has several identifiers: mark one as official, or name one by ifNoneExist"
            if held
            else "an identifier with a system and a value is needed"
        )


def open_resource(raw: object, place: str, *, url: str | None = None, inside: bool = False) -> Sent:
    kind = raw.get("resourceType") if isinstance(raw, dict) else None
    if not isinstance(raw, dict) or not isinstance(kind, str):
        raise InvalidBody(f"{place}: a resource is an object with a resourceType")
    if kind not in KINDS:
        # Its name is the sender's free text.
        raise InvalidBody(f"{place}: this server takes {', '.join(KINDS)}; not {kind[:40]!r}")
    contained = {} if inside else _open_contained(raw, place)
    raw, data = _without_data(raw)
    sent = Sent(
        place=place,
        kind=kind,
        model=_validate(kind, raw, place),
        url=url,
        data=data,
        ignored=tuple(sorted(name for name in raw if name.lstrip("_") not in _USED[kind])),
        contained=contained,
    )
    _refuse_unfit(sent)
    return sent


def _open_contained(raw: dict[str, Any], place: str) -> dict[str, Sent]:
    """The used contained resources, by `#id`. Others may be referred to by elements that are
    ignored.
    """
    opened: dict[str, Sent] = {}
    contained = raw.get("contained", [])
    if not isinstance(contained, list):
        raise InvalidBody(f"{place}.contained: a list, please")
    for number, resource in enumerate(contained):
        if not isinstance(resource, dict):
            raise InvalidBody(f"{place}.contained[{number}]: a resource is an object")
        if resource.get("resourceType") in KINDS:
            sent = open_resource(resource, f"{place}.contained[{number}]", inside=True)
            name = f"#{sent.model.id}"
            if sent.model.id is None or name in opened:
                raise sent.refuse("what is contained needs an id of its own")
            opened[name] = sent
    return opened


def _without_data(raw: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
    raw = {name: value for name, value in raw.items() if name != "contained"}
    binary = raw["resourceType"] == "Binary"
    holder = raw if binary else raw.get("content")
    data = holder.get("data") if isinstance(holder, dict) else None
    if not isinstance(holder, dict) or not isinstance(data, str):
        return raw, None
    short = {**holder, "data": "AAAA"}
    return short if binary else {**raw, "content": short}, data


def _validate(kind: str, raw: dict[str, Any], place: str) -> Any:
    # With the first that is sent: a server that gets none has no use for these models.
    from fhir.resources.R4B import get_fhir_model_class  # noqa: PLC0415

    try:
        return get_fhir_model_class(kind).model_validate(raw)
    except ValidationError as error:
        raise InvalidBody(f"{place}.{sentence_of(error, missing=None)}") from error
    except (LookupError, TypeError, ValueError) as error:  # an unknown type inside an element
        raise InvalidBody(f"{place}: it is no valid {kind}") from error


def _refuse_unfit(sent: Sent) -> None:
    for name, allowed in _MODIFIERS.items():
        if getattr(sent.model, name, None) not in allowed:
            raise sent.refuse(f"{name} changes its meaning, and such a one is not taken")
    for element, name, code in _sent_codes(sent):
        allowed_codes = _CODES[element].get(name, ())
        if code not in allowed_codes:
            raise sent.refuse(f"{name} must be {' or '.join(allowed_codes)}")
    if any(link.type == "replaced-by" for link in getattr(sent.model, "link", None) or ()):
        raise sent.refuse("another patient has replaced it (link)")


def _sent_codes(sent: Sent) -> Iterator[tuple[str, str, str]]:
    for name in _CODES.get(sent.kind, ()):
        code = getattr(sent.model, name)
        if code is not None or name == "status":
            yield sent.kind, name, code
    held = getattr(sent.model, "identifier", None) or ()
    yield from (("Identifier", "use", item.use) for item in held if item.use is not None)


class Entry(NamedTuple):
    sent: Sent
    wanted: Identifier | None


def read_transaction(raw: Mapping[str, Any]) -> list[Entry]:
    if raw.get("resourceType") != "Bundle":
        raise InvalidBody("Send a Bundle here, and a resource to the address of its kind")
    if raw.get("type") != "transaction":
        raise InvalidBody("Bundle.type must be transaction")
    held = raw.get("entry")
    if not isinstance(held, list) or not 1 <= len(held) <= MOST_ENTRIES:
        raise InvalidBody(f"A Bundle has 1 to {MOST_ENTRIES} entries")
    if not all(isinstance(entry, dict) for entry in held):
        raise InvalidBody("Each entry of a Bundle is an object")
    # Without the resources, which are checked one by one.
    bare = [{name: value for name, value in entry.items() if name != "resource"} for entry in held]
    frame = _validate("Bundle", {**raw, "entry": bare}, "Bundle")
    entries = [
        _read_entry(entry, checked, f"Bundle.entry[{number}]")
        for number, (entry, checked) in enumerate(zip(held, frame.entry, strict=True))
    ]
    urls = [entry.sent.url for entry in entries if entry.sent.url]
    if len(set(urls)) < len(urls):
        raise InvalidBody("Two entries have the same fullUrl")
    return entries


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
    return Entry(sent, read_condition(request.ifNoneExist, sent))


def read_condition(text: str | None, sent: Sent) -> Identifier | None:
    if not text:
        return None
    asked = parse_qsl(text.rpartition("?")[2]) if len(text) <= LONGEST_CONDITION else []
    if len(asked) == 1 and asked[0][0] == "identifier" and sent.kind in IDENTIFIED:
        system, bar, value = asked[0][1].partition("|")
        if system and bar and value:
            return Identifier(system, value)
    raise sent.refuse("ifNoneExist is identifier=system|value, of a Patient or a ServiceRequest")
