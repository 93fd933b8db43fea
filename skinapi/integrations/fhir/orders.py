"""What a `ServiceRequest` asks for: which photos of which patient are to be judged, and what is
told about them. Nothing is fetched: what it refers to is sent with it, or is on this server.
"""

import base64
import binascii
import hashlib
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from skinapi.base.size_limits import photo_too_large
from skinapi.findings.prediction.service import SentPhotos
from skinapi.integrations.fhir.elements import own_system
from skinapi.integrations.fhir.sent_resources import Identifier, Sent
from skinapi.integrations.fhir.told_facts import read_context
from skinapi.model.calibration.probability_adjustments import MOST_PICTURES

NOT_HERE = (
    "refers to what is not in this request. Send it along: this server fetches nothing from "
    "other addresses"
)
BEGINNINGS: Mapping[str, tuple[bytes, ...]] = {
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/webp": (b"RIFF",),
}
OWN_PATIENTS = own_system("accounts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """`patient` is an identifier of another system, or the id of an account here. `performers` are
    the e-mails and ids of accounts by which the doctor is named. `places` are those where the
    photos were sent, `notes` says what of it was not read.
    """

    identifier: Identifier
    patient: Identifier | str
    photos: SentPhotos
    places: tuple[str, ...]
    performers: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What a `ServiceRequest` may refer to: the other entries of its transaction by their URLs.
    `wanted` are the identifiers that entries name in `ifNoneExist`, by place. `base` is the address
    of this server's resources, and a photo may have `largest` bytes.
    """

    base: str
    largest: int
    entries: Mapping[str, Sent] = field(default_factory=dict)
    wanted: Mapping[str, Identifier] = field(default_factory=dict)


def patient_named_by(sent: Sent, wanted: Identifier | None = None) -> Identifier | str:
    """Raises InvalidBody."""
    return _own_or_other(sent.one_identifier(wanted))


@dataclass
class OrderReader:
    """`used` are the places of the resources that the order is made of."""

    request: Sent
    beside: Beside
    used: dict[str, Sent] = field(default_factory=dict)

    def read_identifier(self) -> Identifier:
        """Raises InvalidBody."""
        return self.request.one_identifier(self.beside.wanted.get(self.request.place))

    def read(self) -> Order:
        """Raises InvalidBody, PayloadTooLarge."""
        request, model = self.request, self.request.model
        self.used[request.place] = request
        patient, person = self._read_patient(request, model.subject)
        referred = list(self._supporting())
        lesions = [one for one in referred if isinstance(one, str)]
        photos = [one for one in referred if isinstance(one, Sent)]
        photos += [one for one in self._based_on_it() if one not in photos]
        if not photos or len(photos) > MOST_PICTURES or len(lesions) > 1:
            raise request.refuse(
                f"supportingInfo refers to 1 to {MOST_PICTURES} photos (Media or Binary) of one "
                "spot, and to one BodyStructure at most"
            )
        contents = tuple(map(self._read_photo, photos))
        media = [one for one in photos if one.kind == "Media"]
        for one in media:
            if self._read_patient(one, one.model.subject, optional=True)[0] not in (None, patient):
                raise one.refuse("its subject is another patient than that of the ServiceRequest")
        keep_photo = self._read_consent(patient)
        performers = tuple(dict.fromkeys(self._read_performers()))
        for spare in self._all_sent():
            if spare.place not in self.used and spare.kind != "Practitioner":
                raise spare.refuse("the ServiceRequest does not refer to it")
        context, unread = read_context(request, person, media)
        return Order(
            identifier=self.read_identifier(),
            patient=patient or "",
            photos=SentPhotos(
                contents=contents,
                context=context,
                keep_photo=keep_photo,
                lesion=lesions[0] if lesions else None,
                way="fhir",
            ),
            places=tuple(one.place for one in photos),
            performers=performers,
            notes=(*unread, *(note for one in self.used.values() for note in one.notes)),
        )

    def _all_sent(self) -> tuple[Sent, ...]:
        return (*self.beside.entries.values(), *self.request.contained.values())

    def _find(self, holder: Sent, told: str | None) -> Sent | None:
        """What this reference means, of what was sent."""
        if not told:
            return None
        root = holder if told in holder.contained else self.request
        found = root.contained.get(told) or self.beside.entries.get(told)
        if found is None and holder.url and holder.url.startswith(("http://", "https://")):
            # https://hl7.org/fhir/R4/bundle.html#references
            base = holder.url.rsplit("/", 2)[0]
            found = self.beside.entries.get(f"{base}/{told}")
        if found is not None:
            self.used[found.place] = found
        return found

    def _read_patient(
        self, holder: Sent, reference: Any, *, optional: bool = False
    ) -> tuple[Identifier | str | None, Sent | None]:
        """Whom it is about, and the `Patient` if that was sent."""
        told = reference.reference if reference else None
        sent = self._find(holder, told)
        if sent is not None:
            if sent.kind != "Patient":
                raise holder.refuse("its subject must be a Patient")
            return patient_named_by(sent, self.beside.wanted.get(sent.place)), sent
        if told:
            kind, _, name = told.removeprefix(f"{self.beside.base}/").partition("/")
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
        """By what the doctors are named who are to look: a reference, an identifier, or the e-mail
        of a `Practitioner` that was sent. A name that nobody here has is kept: it is refused.
        """
        for reference in self.request.model.performer or ():
            told, known = reference.reference, reference.identifier
            sent = self._find(self.request, told)
            if sent is not None and sent.kind == "Practitioner":
                yield from (one.value for one in sent.identifiers)
                telecoms = sent.model.telecom or ()
                yield from (one.value for one in telecoms if one.system == "email" and one.value)
            elif told:
                yield told.removeprefix(f"{self.beside.base}/").removeprefix("Practitioner/")
            if known and known.value:
                yield known.value
            if sent is None and not told and not (known and known.value):
                yield ""

    def _supporting(self) -> Iterator[Sent | str]:
        """The photos that it refers to, and the id of the spot."""
        for reference in self.request.model.supportingInfo or ():
            told = reference.reference or ""
            sent = self._find(self.request, told)
            kind, _, name = told.removeprefix(f"{self.beside.base}/").partition("/")
            if sent is not None and sent.kind in ("Media", "Binary"):
                yield sent
            elif sent is None and kind == "BodyStructure" and name:
                yield name
            else:
                raise self.request.refuse(f"supportingInfo {NOT_HERE}")

    def _based_on_it(self) -> Iterator[Sent]:
        """The photos that refer to it instead."""
        for sent in self._all_sent():
            if sent.kind != "Media":
                continue
            based_on = [one.reference for one in sent.model.basedOn or ()]
            if any(self._find(sent, one) is self.request for one in based_on):
                self.used[sent.place] = sent
                yield sent

    def _read_photo(self, sent: Sent) -> bytes:
        if sent.kind == "Binary":
            content = _decode(sent, self.beside.largest)
            _refuse_other_type(sent, sent.model.contentType, content)
            return content
        attachment = sent.model.content
        if sent.data is None:
            binary = self._find(sent, attachment.url)
            if binary is None or binary.kind != "Binary":
                raise sent.refuse(f"content.data is missing, and content.url {NOT_HERE}")
            content = self._read_photo(binary)
        else:
            content = _decode(sent, self.beside.largest)
        if attachment.contentType or sent.data is not None:
            _refuse_other_type(sent, attachment.contentType, content)
        if attachment.size not in (None, len(content)):
            raise sent.refuse("content.size is not that of the photo")
        told = attachment.hash
        if told is not None and told != hashlib.sha1(content, usedforsecurity=False).digest():
            raise sent.refuse("content.hash is not the SHA-1 of the photo")
        return content

    def _read_consent(self, patient: Identifier | str | None) -> bool | None:
        """Whether the photo may be kept: by a `Consent` as this server answers it itself."""
        told: bool | None = None
        for sent in self._all_sent():
            if sent.kind != "Consent":
                continue
            rule, provision = sent.model.policyRule, sent.model.provision
            codes = {(one.system, one.code) for one in (rule and rule.coding) or ()}
            allowed = {"permit": True, "deny": False}.get(provision.type if provision else "")
            if (own_system("consents"), "photos") not in codes or allowed is None:
                raise sent.refuse("policyRule must be the code photos, with a permit or deny")
            if self._read_patient(sent, sent.model.patient)[0] != patient:
                raise sent.refuse("it is of another patient than the ServiceRequest")
            self.used[sent.place] = sent
            # The stricter of two.
            told = allowed if told is None else told and allowed
        return told


def _own_or_other(identifier: Identifier) -> Identifier | str:
    return identifier.value if identifier.system == OWN_PATIENTS else identifier


def _decode(sent: Sent, largest: int) -> bytes:
    """Raises InvalidBody, PayloadTooLarge."""
    text = sent.data or ""
    try:
        try:
            content = base64.b64decode(text, validate=True)
        except binascii.Error:  # line breaks are allowed; most have none
            plain = text.encode().translate(None, string.whitespace.encode())
            content = base64.b64decode(plain, validate=True)
    except ValueError as error:
        raise sent.refuse("its data are not valid base64") from error
    if not content:
        raise sent.refuse("it holds no photo")
    if len(content) > largest:
        raise photo_too_large(largest)
    return content


def _refuse_other_type(sent: Sent, told: str | None, content: bytes) -> None:
    beginnings = BEGINNINGS.get((told or "").partition(";")[0].strip().lower())
    if beginnings is None:
        raise sent.refuse(f"contentType must be {', '.join(BEGINNINGS)}")
    if not content.startswith(beginnings):
        raise sent.refuse("its data are not of the type that contentType names")
