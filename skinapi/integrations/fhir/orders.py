"""Reads a `ServiceRequest`: photos, patient and facts. No reference is fetched: everything is in
the request or on this server.
"""

import base64
import string
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple, TypeVar

from skinapi.base.languages import Language
from skinapi.base.size_limits import photo_too_large
from skinapi.findings.prediction.service import SentPhotos
from skinapi.integrations.fhir.elements import DCM, SNOMED, own_system
from skinapi.integrations.fhir.sent_resources import Identifier, Sent
from skinapi.integrations.standards import LATERALITY_OF, MODALITY_OF, SITE_OF, side_of
from skinapi.model.calibration import MOST_PICTURES
from skinapi.model.context import (
    BODY_SITES,
    TWO_SIDED,
    BodySide,
    BodySite,
    Context,
    Laterality,
    Modality,
    Sex,
    age_band_of,
)
from skinapi.platform.storage.ids import now

NOT_HERE = (
    "refers to what is not in this request. Send it along: this server fetches nothing from "
    "other addresses"
)
# The keys of the queue are stored: an order's haste among them would have to be migrated.
NOT_SOONER = (
    "priority {priority} was not read and not kept: the doctor's queue is in the order of what the "
    "photos show, so call the doctor if this cannot wait"
)
OWN_PATIENTS = own_system("accounts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """`patient` is an identifier of another system, or an account id. `performers` are e-mails and
    account ids of the doctor, `places` are where the photos were in the request, and `notes` lists
    ignored elements.
    """

    identifier: Identifier
    patient: Identifier | str
    phone: str | None
    photos: SentPhotos
    places: tuple[str, ...]
    performers: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleContext:
    """What a `ServiceRequest` may refer to: the other entries of its transaction, by URL. `wanted`
    are the identifiers in `ifNoneExist`, by place. `base` is the address of this server's
    resources, and `largest` the limit of a photo in bytes.
    """

    base: str
    largest: int
    entries: Mapping[str, Sent] = field(default_factory=dict)
    wanted: Mapping[str, Identifier] = field(default_factory=dict)


def patient_named_by(sent: Sent, wanted: Identifier | None = None) -> Identifier | str:
    return _own_or_other(sent.one_identifier(wanted))


@dataclass
class OrderReader:
    request: Sent
    beside: BundleContext
    language: Language | None = None
    used: dict[str, Sent] = field(default_factory=dict)

    def read_identifier(self) -> Identifier:
        return self.request.one_identifier(self.beside.wanted.get(self.request.place))

    def read(self) -> Order:
        request, model = self.request, self.request.model
        self.used[request.place] = request
        patient, person = self._read_patient(request, model.subject)
        referred = list(self._supporting())
        lesions = [found for found in referred if isinstance(found, str)]
        photos = [found for found in referred if isinstance(found, Sent)]
        if not photos or len(photos) > MOST_PICTURES or len(lesions) > 1:
            raise request.refuse(
                f"supportingInfo refers to 1 to {MOST_PICTURES} photos (Media or Binary) of one "
                "spot, and to one BodyStructure at most"
            )
        contents = tuple(_decode(photo, self.beside.largest) for photo in photos)
        media = [photo for photo in photos if photo.kind == "Media"]
        for photo in media:
            subject, _ = self._read_patient(photo, photo.model.subject, optional=True)
            if subject not in (None, patient):
                raise photo.refuse("its subject is another patient than that of the ServiceRequest")
        keep_photo = self._read_consent(patient)
        performers = tuple(dict.fromkeys(self._read_performers()))
        for spare in self._all_sent():
            if spare.place not in self.used:
                raise spare.refuse("the ServiceRequest does not refer to it")
        context, unread = read_context(request, person, media)
        if model.priority not in (None, "routine"):
            unread.append(f"{request.place}: {NOT_SOONER.format(priority=model.priority)}")
        return Order(
            identifier=self.read_identifier(),
            patient=patient or "",
            phone=person.phone if person else None,
            photos=SentPhotos(
                contents=contents,
                context=context,
                language=self.language,
                keep_photo=keep_photo,
                lesion=lesions[0] if lesions else None,
                way="fhir",
            ),
            places=tuple(photo.place for photo in photos),
            performers=performers,
            notes=(*unread, *(note for sent in self.used.values() for note in sent.notes)),
        )

    def _all_sent(self) -> tuple[Sent, ...]:
        return (*self.beside.entries.values(), *self.request.contained.values())

    def _find(self, holder: Sent, address: str | None) -> Sent | None:
        if not address:
            return None
        root = holder if address in holder.contained else self.request
        found = root.contained.get(address) or self.beside.entries.get(address)
        if found is None and holder.url and holder.url.startswith(("http://", "https://")):
            # https://hl7.org/fhir/R4/bundle.html#references
            base = holder.url.rsplit("/", 2)[0]
            found = self.beside.entries.get(f"{base}/{address}")
        if found is not None:
            self.used[found.place] = found
        return found

    def _read_patient(
        self, holder: Sent, reference: Any, *, optional: bool = False
    ) -> tuple[Identifier | str | None, Sent | None]:
        address = reference.reference if reference else None
        sent = self._find(holder, address)
        if sent is not None:
            if sent.kind != "Patient":
                raise holder.refuse("its subject must be a Patient")
            return patient_named_by(sent, self.beside.wanted.get(sent.place)), sent
        if address:
            kind, _, name = address.removeprefix(f"{self.beside.base}/").partition("/")
            if kind != "Patient" or not name or "/" in name:
                raise holder.refuse(f"its subject {NOT_HERE}")
            return name, None
        known = reference.identifier if reference else None
        if known and known.system and known.value:
            return _own_or_other(Identifier(known.system, known.value)), None
        if optional:
            return None, None
        raise holder.refuse("its subject must be a Patient, by a reference or an identifier")

    def _read_performers(self) -> Iterator[str]:
        """The names of the requested doctors. An unknown name, or a performer without a name, is
        refused later.
        """
        for reference in self.request.model.performer or ():
            address, known = reference.reference, reference.identifier
            if address:
                yield address.removeprefix(f"{self.beside.base}/").removeprefix("Practitioner/")
            if not address or (known and known.value):
                yield (known and known.value) or ""

    def _supporting(self) -> Iterator[Sent | str]:
        for reference in self.request.model.supportingInfo or ():
            address = reference.reference or ""
            sent = self._find(self.request, address)
            kind, _, name = address.removeprefix(f"{self.beside.base}/").partition("/")
            if sent is not None and sent.kind in ("Media", "Binary"):
                yield sent
            elif sent is None and kind == "BodyStructure" and name:
                yield name
            else:
                raise self.request.refuse(f"supportingInfo {NOT_HERE}")

    def _read_consent(self, patient: Identifier | str | None) -> bool | None:
        allows: bool | None = None
        for sent in self._all_sent():
            if sent.kind != "Consent":
                continue
            rule, provision = sent.model.policyRule, sent.model.provision
            codes = {(item.system, item.code) for item in (rule and rule.coding) or ()}
            allowed = {"permit": True, "deny": False}.get(provision.type if provision else "")
            if (own_system("consents"), "photos") not in codes or allowed is None:
                raise sent.refuse("policyRule must be the code photos, with a permit or deny")
            if self._read_patient(sent, sent.model.patient)[0] != patient:
                raise sent.refuse("it is of another patient than the ServiceRequest")
            self.used[sent.place] = sent
            # The stricter one applies.
            allows = allowed if allows is None else allows and allowed
        return allows


def _own_or_other(identifier: Identifier) -> Identifier | str:
    return identifier.value if identifier.system == OWN_PATIENTS else identifier


def _decode(sent: Sent, largest: int) -> bytes:
    try:
        text = (sent.data or "").encode().translate(None, string.whitespace.encode())
        content = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise sent.refuse("its data are not valid base64") from error
    if not content:
        raise sent.refuse("it holds no photo in its data")
    if len(content) > largest:
        raise photo_too_large(largest)
    return content


# What is told about a photo, as the facts that a sender of `POST /predict` may tell. Nothing is
# guessed: what has no value here is left out, and the sender is told so.

_SEXES: dict[str, Sex] = {"female": "female", "male": "male", "other": "other"}
_LATERALITIES: tuple[Laterality, ...] = ("left", "middle", "right")
_SIDES: tuple[BodySide, ...] = ("front", "rear")
V = TypeVar("V", bound=str)


class Place(NamedTuple):
    site: BodySite
    laterality: Laterality | None = None
    side: BodySide | None = None


def read_context(
    request: Sent, person: Sent | None, media: Sequence[Sent]
) -> tuple[Context, list[str]]:
    unread: list[str] = []
    sites = [site for photo in media if (site := photo.model.bodySite)]
    sites += request.model.bodySite or []
    places = set(filter(None, map(_read_place, sites)))
    if len(places) > 1:
        raise request.refuse("bodySite names several places: send a request for each")
    if not places and sites:
        unread.append(f"{request.place}: this server knows no place by the code of bodySite")
    place = places.pop() if places else None
    years = None
    if person is not None and (born := person.model.birthDate) is not None:
        # A year or a month alone is ambiguous.
        years = _years(born, _day_of(request)) if isinstance(born, date) else None
        if age_band_of(years) is None:
            unread.append(f"{person.place}: birthDate does not say which age group it is")
    band = age_band_of(years)
    modalities = set(map(_read_modality, media))
    context = Context(
        modality=modalities.pop() if len(modalities) == 1 else Modality.UNKNOWN,
        age=years if band else None,
        age_band=band,
        sex=_SEXES.get(person.model.gender or "") if person else None,
        body_site=place.site if place else None,
        body_laterality=place.laterality if place else None,
        body_side=place.side if place else None,
    )
    return context, unread


def _read_codes(
    concept: Any, own: str, allowed: Iterable[V], of_snomed: Callable[[str], V | None]
) -> V | None:
    codings = [item for item in concept.coding or () if item.code]
    named = [item.code for item in codings if item.system == own_system(own)]
    meant = {value for value in allowed if value in named}
    snomed = (item.code for item in codings if item.system == SNOMED)
    meant |= {value for code in snomed if (value := of_snomed(code))}
    return meant.pop() if len(meant) == 1 else None


def _read_place(concept: Any) -> Place | None:
    site = _read_codes(concept, "body-sites", BODY_SITES, SITE_OF.get)
    if site is None:
        return None
    return Place(
        site,
        _read_codes(concept, "laterality", _LATERALITIES, LATERALITY_OF.get),
        _read_codes(concept, "sides", _SIDES if site in TWO_SIDED else (), side_of),
    )


def _read_modality(sent: Sent) -> Modality:
    codings = (sent.model.modality and sent.model.modality.coding) or ()
    kinds = {MODALITY_OF.get(item.code) for item in codings if item.system == DCM} - {None}
    return kinds.pop() or Modality.UNKNOWN if len(kinds) == 1 else Modality.UNKNOWN


def _day_of(request: Sent) -> date:
    """The day of the order, so that a repeated order means the same; otherwise today."""
    ordered = str(request.model.authoredOn or "")[:10]
    try:
        return date.fromisoformat(ordered)
    except ValueError:  # only a year
        return now().date()


def _years(born: date, on: date) -> int:
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))
