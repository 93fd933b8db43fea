"""The resources that are sent here, checked: by the models of `fhir.resources`, which know elements
and types, and by the tables here, for the codes that these models let through.

https://hl7.org/fhir/R4/servicerequest.html, https://hl7.org/fhir/R4/media.html,
https://hl7.org/fhir/R4/patient.html
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pydantic import ValidationError

from skinapi.base.errors import InvalidBody
from skinapi.platform.web.request_parsing import sentence_of

KINDS = ("Patient", "ServiceRequest", "Media", "Binary", "Consent", "Practitioner")
# What is used of each, or means nothing for a finding. Whatever else is sent is told to the sender.
_USED: Mapping[str, frozenset[str]] = {
    kind: frozenset(f"resourceType id meta language text contained {elements}".split())
    for kind, elements in {
        "Patient": "identifier active gender birthDate link",
        "ServiceRequest": "identifier status intent priority doNotPerform code category subject "
        "authoredOn bodySite supportingInfo performer",
        "Media": "identifier status type modality basedOn subject createdDateTime bodySite content "
        "width height",
        "Binary": "contentType data",
        "Consent": "identifier status scope category patient dateTime policyRule provision",
        "Practitioner": "identifier active telecom",
    }.items()
}
# A ServiceRequest with one of them takes back what was filed by it.
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


class Identifier(NamedTuple):
    """`system` says who gave `value`."""

    system: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One resource. `place` is where it stands in the body. `url` is how others refer to it in a
    bundle, `data` its content in base64, which its `model` lacks.
    """

    place: str
    kind: str
    model: Any = field(repr=False)
    url: str | None = None
    data: str | None = field(default=None, repr=False)
    ignored: tuple[str, ...] = ()
    contained: Mapping[str, "Sent"] = field(default_factory=dict, repr=False)

    def refuse(self, says: str) -> InvalidBody:
        """The error to raise about it."""
        return InvalidBody(f"{self.place} ({self.kind}): {says}")

    @property
    def notes(self) -> list[str]:
        """What of it is not read."""
        ignored = ", ".join(self.ignored)
        return [f"{self.place} ({self.kind}): not read and not kept: {ignored}"] if ignored else []

    @property
    def identifiers(self) -> list[Identifier]:
        """Those that are in use, each once. Without a system one says nothing."""
        held = getattr(self.model, "identifier", None) or ()
        found = [
            Identifier(one.system, one.value)
            for one in held
            if one.use != "old" and one.system and one.value
        ]
        return list(dict.fromkeys(found))

    def one_identifier(self, wanted: Identifier | None = None) -> Identifier:
        """What it is known by: what a conditional creation names, else the only one, else the only
        official one. Raises InvalidBody.
        """
        found = self.identifiers
        if wanted is not None and wanted not in found:
            raise self.refuse("ifNoneExist names an identifier that it does not have")
        if len(found) > 1:
            official = {
                Identifier(one.system, one.value)
                for one in self.model.identifier
                if one.use == "official"
            }
            found = [one for one in found if one in official] or found
        if wanted or len(found) == 1:
            return wanted or found[0]
        raise self.refuse(
            "it has several identifiers: mark one as official, or name one by ifNoneExist"
            if found
            else "an identifier with a system and a value is needed"
        )


def open_resource(raw: object, place: str, *, url: str | None = None, inside: bool = False) -> Sent:
    """Check one resource; with `inside` it is contained in another. Raises InvalidBody."""
    kind = raw.get("resourceType") if isinstance(raw, dict) else None
    if not isinstance(raw, dict) or not isinstance(kind, str):
        raise InvalidBody(f"{place}: a resource is an object with a resourceType")
    if kind not in KINDS:
        # Its name is the sender's own text.
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
    """Those that are used, by `#id`. What else is contained may be referred to by elements that are
    not read.
    """
    opened = {}
    held = raw.get("contained", [])
    if not isinstance(held, list):
        raise InvalidBody(f"{place}.contained: a list, please")
    for number, one in enumerate(held):
        if not isinstance(one, dict):
            raise InvalidBody(f"{place}.contained[{number}]: a resource is an object")
        if one.get("resourceType") in KINDS:
            sent = open_resource(one, f"{place}.contained[{number}]", inside=True)
            name = f"#{sent.model.id}"
            if sent.model.id is None or name in opened:
                raise sent.refuse("what is contained needs an id of its own")
            opened[name] = sent
    return opened


def _without_data(raw: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
    """The resource without what is contained and without its base64, and that."""
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
    except (LookupError, TypeError, ValueError) as error:  # of an unknown kind inside an element
        raise InvalidBody(f"{place}: it is no valid {kind}") from error


def _refuse_unfit(sent: Sent) -> None:
    """Raises InvalidBody for a code that is not there, or asks for nothing."""
    for name, allowed in _MODIFIERS.items():
        if getattr(sent.model, name, None) not in allowed:
            raise sent.refuse(f"{name} changes its meaning, and such a one is not taken")
    for element, name, told in _told_codes(sent):
        allowed_codes = _CODES[element].get(name, ())
        if told not in allowed_codes:
            raise sent.refuse(f"{name} must be {' or '.join(allowed_codes)}")
    if any(link.type == "replaced-by" for link in getattr(sent.model, "link", None) or ()):
        raise sent.refuse("another patient has replaced it (link)")


def _told_codes(sent: Sent) -> Iterator[tuple[str, str, str]]:
    """Each code that is told, with the element that it is of."""
    for name in _CODES.get(sent.kind, ()):
        told = getattr(sent.model, name)
        if told is not None or name == "status":
            yield sent.kind, name, told
    held = getattr(sent.model, "identifier", None) or ()
    yield from (("Identifier", "use", one.use) for one in held if one.use is not None)
