"""The use case of received orders: a `ServiceRequest` becomes a finding, like a photo sent to `POST
/predict`.

Only the fields of `Context` are kept, and the photo if photos are kept: no name, address or number.
An identifier is stored as a keyed hash.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from skinapi.accounts.auth.account import Account, Subject
from skinapi.base.errors import (
    Conflict,
    Gone,
    IdempotencyKeyReused,
    InvalidBody,
    Unprocessable,
)
from skinapi.base.languages import LANGUAGES, Language
from skinapi.findings.errors import FindingSigned
from skinapi.findings.prediction.service import MaybeDifferentSpots, PredictionService
from skinapi.findings.records.service import PatientRegistration
from skinapi.findings.records.stored_finding import Dispute
from skinapi.findings.reviews.corrections import CorrectionsService
from skinapi.integrations.fhir.elements import Element, Resource, information, outcome_of
from skinapi.integrations.fhir.kinds import KINDS
from skinapi.integrations.fhir.orders import BundleContext, Order, OrderReader, patient_named_by
from skinapi.integrations.fhir.reports import resources_of
from skinapi.integrations.fhir.sent_resources import (
    TAKEN_BACK,
    Entry,
    Identifier,
    Sent,
    open_resource,
    read_condition,
    read_transaction,
)
from skinapi.integrations.fhir.service import FhirService
from skinapi.integrations.keys.api_keys import TestKeyStoresNothing
from skinapi.integrations.patients import PatientsService

ONE_REQUEST = "A transaction has one ServiceRequest and what it refers to, or one Patient alone"
ALL_READ = "All of it was read"
ONLY_IDENTIFIER_READ = "The finding of this order stands for nothing now; nothing else was read"
OTHER_DOCTOR = "performer: the patient has another doctor in charge, who stays"
PERFORMER_NOT_READ = (
    "performer: that doctor's account is not active now, or this key may not choose a doctor"
)
NOT_KEPT = "The photo was judged, and is not kept"
CONSENT_READ = "It was read for these photos, and is not stored"
OTHER_KIND = "Send a resource to the address of its kind"


class IdentifierReused(Conflict):
    code = "identifier_reused"
    sentence = "Another ServiceRequest was sent under this identifier"


class UnknownPerformer(Unprocessable):
    code = "unknown_performer"
    sentence = (
        "performer names no doctor of this server. Ask the clinic for the e-mail of the doctor's "
        "account and send it as the identifier of performer. Or leave performer out: then the "
        "clinic decides who is in charge"
    )


class PhotosApart(Unprocessable):
    code = "maybe_different_spots"
    sentence = (
        "The photos may show different spots. Send a ServiceRequest for each spot, and do not mix "
        "close-ups and pictures of a dermoscope"
    )


class OrderErased(Gone):
    code = "finding_erased"
    sentence = "The finding of this order was deleted here"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The report of an order; `order` is None for a revoked one. `new` is False for a repeated
    one.
    """

    order: Order | None
    notes: Sequence[str]
    report: Resource
    patient: str
    new: bool
    new_patient: bool = False

    @property
    def outcome(self) -> Resource:
        return _say(self.notes)


@dataclass(frozen=True, slots=True, kw_only=True)
class FhirIntakeService:
    fhir: FhirService
    prediction: PredictionService
    corrections: CorrectionsService
    patients: PatientsService
    largest_photo: int

    def take_bundle(
        self, raw: Mapping[str, Any], *, by: Subject, language: Language | None
    ) -> Resource:
        entries = read_transaction(raw)
        sent = [entry.sent for entry in entries]
        requests = [resource for resource in sent if resource.kind == "ServiceRequest"]
        if len(requests) == 1:
            taken = self._take(requests[0], self._beside(entries), by, language)
            answers = [self._answer(resource, taken) for resource in sent]
        elif [resource.kind for resource in sent] == ["Patient"]:
            patient, new = self._take_patient(sent[0], entries[0].wanted, by)
            address = f"{self.fhir.base}/Patient/{patient['id']}"
            answers = [_response(address, new, _say(sent[0].notes), patient)]
        else:
            raise InvalidBody(ONE_REQUEST)
        return {"resourceType": "Bundle", "type": "transaction-response", "entry": answers}

    def take_request(
        self, raw: Mapping[str, Any], *, by: Subject, language: Language | None
    ) -> Taken:
        """Judge the photos in a `ServiceRequest`, and file the finding. Repeating it returns the
        earlier report. Repeating it as `entered-in-error` or `revoked` marks the finding as entered
        in error. A test key gets the report of the sample picture.
        """
        sent = open_resource(raw, "ServiceRequest")
        if sent.kind != "ServiceRequest":
            raise InvalidBody(OTHER_KIND)
        return self._take(sent, self._beside(()), by, language)

    def take_patient(
        self, raw: Mapping[str, Any], *, condition: str | None, by: Subject
    ) -> tuple[Resource, bool, Resource]:
        """The `Patient` with this identifier, an account without a log-in; whether it is new; and
        the `OperationOutcome` that lists ignored elements.
        """
        sent = open_resource(raw, "Patient")
        if sent.kind != "Patient":
            raise InvalidBody(OTHER_KIND)
        patient, new = self._take_patient(sent, read_condition(condition, sent), by)
        return patient, new, _say(sent.notes)

    def _beside(self, entries: Sequence[Entry]) -> BundleContext:
        return BundleContext(
            base=self.fhir.base,
            largest=self.largest_photo,
            entries={entry.sent.url or entry.sent.place: entry.sent for entry in entries},
            wanted={entry.sent.place: entry.wanted for entry in entries if entry.wanted},
        )

    def _take(
        self, request: Sent, beside: BundleContext, by: Subject, language: Language | None
    ) -> Taken:
        if request.model.status in TAKEN_BACK:
            return self._take_back(request, beside, by)
        order = OrderReader(request, beside, language).read()
        try:
            return self._take_once(order, by)
        except IdentifierReused:
            # Another request may have stored the same new patient and finding in the meantime: the
            # second time that patient is found. Nothing was judged or counted yet.
            return self._take_once(order, by, last=True)

    def _take_back(self, request: Sent, beside: BundleContext, by: Subject) -> Taken:
        if by.key and by.key.test:
            raise TestKeyStoresNothing
        identifier = OrderReader(request, beside).read_identifier()
        key = self.fhir.key_of_order(*identifier, by=by)
        try:
            finding = self.corrections.take_back(key=key, by=by)
        except FindingSigned as signed:
            self.corrections.dispute(signed.finding, Dispute.TAKEN_BACK, by=by)
            raise
        if finding is None:
            raise OrderErased
        return Taken(
            order=None,
            notes=(ONLY_IDENTIFIER_READ,),
            report=next(resources_of(finding, self.fhir.base)),
            patient=finding.owner,
            new=False,
        )

    def _take_once(self, order: Order, by: Subject, *, last: bool = False) -> Taken:
        try:
            if by.key and by.key.test:
                sample = self.prediction.predict_without_storing(
                    owner=by.account, sent=order.photos, by=by
                )
                report = next(resources_of(sample, self.fhir.base))
                return Taken(order=order, notes=order.notes, report=report, patient=by.id, new=True)
            doctor = self._find_performer(order, by)
            owner, newcomer = self._find_owner(order, by, doctor)
            key = self.fhir.key_of_order(*order.identifier, by=by)
            used = self.prediction.findings.is_used(key, owner=owner.id, by=by.id)
            photos = replace(order.photos, key=key)
            try:
                finding = self.prediction.predict(
                    owner=owner, sent=photos, by=by, newcomer=newcomer
                )
            except IdempotencyKeyReused as error:
                if last:
                    self.corrections.note_other_patient(owner.id, key=key, by=by)
                raise IdentifierReused from error
        except MaybeDifferentSpots as error:
            raise PhotosApart from error
        if order.phone and not used:
            self.patients.set_phone(finding.owner, order.phone, by=by)
        return Taken(
            order=order,
            notes=(*order.notes, *self._put_in_care(order, finding.owner, doctor, by)),
            report=self.fhir.read_finding(str(finding.number), to=by)[0],
            patient=finding.owner,
            new=not used,
            new_patient=newcomer is not None and finding.owner == owner.id,
        )

    def _find_owner(
        self, order: Order, by: Subject, doctor: Account | None
    ) -> tuple[Account, PatientRegistration | None]:
        if isinstance(order.patient, str):
            return self.prediction.findings.access.find_owner(patient=order.patient, by=by), None
        return self.patients.find_or_newcomer(
            *order.patient,
            by=by,
            doctor=doctor.id if doctor else None,
            locale=order.photos.language or LANGUAGES[0],
        )

    def _put_in_care(
        self, order: Order, patient: str, doctor: Account | None, by: Subject
    ) -> list[str]:
        if doctor is None:
            return [PERFORMER_NOT_READ] if order.performers else []
        current = self.patients.assignments.put_in_care(patient=patient, doctor=doctor.id, by=by.id)
        return [] if current.id == doctor.id else [OTHER_DOCTOR]

    def _find_performer(self, order: Order, by: Subject) -> Account | None:
        if not order.performers or by.key is None or not by.key.clinic_wide:
            return None
        doctors = self.patients.assignments.find_named(order.performers)
        if not doctors:
            raise UnknownPerformer
        return next((doctor for doctor in doctors if doctor.active_doctor), None)

    def _take_patient(
        self, sent: Sent, wanted: Identifier | None, by: Subject
    ) -> tuple[Resource, bool]:
        if by.key and by.key.test:
            raise TestKeyStoresNothing
        named = patient_named_by(sent, wanted)
        if isinstance(named, str):
            account, new = self.prediction.findings.access.find_owner(patient=named, by=by), False
        else:
            account, new = self.patients.add_once(*named, by=by)
        if sent.phone:
            self.patients.set_phone(account.id, sent.phone, by=by)
        return self.fhir.read(KINDS["Patient"], account.id, to=by), new

    def _answer(self, sent: Sent, taken: Taken) -> Element:
        base, number = self.fhir.base, taken.report["id"]
        if sent.kind == "ServiceRequest":
            address = f"{base}/DiagnosticReport/{number}"
            return _response(address, taken.new, taken.outcome, taken.report)
        if sent.kind == "Patient":
            return _response(f"{base}/Patient/{taken.patient}", taken.new_patient)
        if sent.kind == "Consent":
            return _response(None, False, outcome_of(information(CONSENT_READ)))
        places = taken.order.places if taken.order else ()
        if sent.place not in places:  # a Media refers to it
            return _response(None, False)
        media = f"Media/{number}-{places.index(sent.place) + 1}"
        kept = [picture["link"]["reference"] for picture in taken.report.get("media", ())]
        if media in kept:
            return _response(f"{base}/{media}", taken.new)
        return _response(None, False, outcome_of(information(NOT_KEPT)))


def _say(notes: Sequence[str]) -> Resource:
    return outcome_of(*map(information, notes or (ALL_READ,)))


def _response(
    address: str | None,
    new: bool,
    outcome: Resource | None = None,
    resource: Resource | None = None,
) -> Element:
    meta = (resource or {}).get("meta")
    response = {
        "status": "201 Created" if new else "200 OK",
        **({"location": address} if address else {}),
        **({"etag": f'W/"{meta["versionId"]}"'} if meta else {}),
        **({"lastModified": meta["lastUpdated"]} if meta else {}),
        **({"outcome": outcome} if outcome else {}),
    }
    shown = {"fullUrl": address, "resource": resource} if resource else {}
    return {**shown, "response": response}
