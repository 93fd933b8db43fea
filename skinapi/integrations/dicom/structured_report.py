"""A finding as a structured report (TID 1500).

Measurements are attributed to the model, a device with its version. A conclusion exists only if a
doctor has signed one, and names that doctor as its observer.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from highdicom.sr import (
    AlgorithmIdentification,
    CodeContentItem,
    CodedConcept,
    ContainerContentItem,
    ContentSequence,
    DeviceObserverIdentifyingAttributes,
    EnhancedSR,
    FindingSite,
    LanguageOfContentItemAndDescendants,
    Measurement,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    ObservationContext,
    ObserverContext,
    PersonObserverIdentifyingAttributes,
    QualitativeEvaluation,
    RelationshipTypeValues,
    SourceImageForMeasurementGroup,
    TextContentItem,
    TrackingIdentifier,
)
from pydantic import RootModel
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from skinapi.base.languages import LANGUAGE_NAMES, Language, load_words
from skinapi.findings.records.stored_finding import Source
from skinapi.findings.status.decisions import Decision, WaitsFor
from skinapi.integrations.dicom.objects import (
    MAKER,
    STUDY_CLASS,
    ObjectSource,
    common_of,
    complete,
    make_object,
    reference,
    side_code,
    site_code,
)
from skinapi.integrations.dicom.study import Kind, ObjectId, kind_of, study_uid
from skinapi.integrations.standards import instructing_decision, say_finding
from skinapi.model.conditions import Band, conditions_table

CONTAINS = RelationshipTypeValues.CONTAINS
MODIFIES = RelationshipTypeValues.HAS_CONCEPT_MOD
OBSERVED_AT = 0x0040A032  # Observation DateTime
UNKNOWN_OF_ORDERS = (
    *("PlacerOrderNumberImagingServiceRequest", "FillerOrderNumberImagingServiceRequest"),
    *("RequestedProcedureID", "RequestedProcedureDescription"),
)
# What no public system has, as our risk bands, has codes of our own.
OWN_SCHEME = "99SKINAPI"
LONGEST_MEANING = 64


class Meanings(RootModel[dict[str, str]]):
    pass


WORDS: Mapping[Language, Meanings] = load_words("codes", Meanings, package=__package__)


def own(code: str, language: Language) -> CodedConcept:
    return _own(code, WORDS[language].root[code])


def probability_code(condition: str, language: Language) -> CodedConcept:
    name = conditions_table().name(condition, language)
    meaning = WORDS[language].root["probability"].format(condition=name)
    return _own(f"probability_{condition}", meaning)


def condition_code(key: str, language: Language) -> CodedConcept:
    return _own(key, conditions_table().name(key, language))


def band_code(band: Band, language: Language) -> CodedConcept:
    return _own(band, conditions_table().band_words(band, language).doctor_label)


def _own(code: str, meaning: str) -> CodedConcept:
    return CodedConcept(code, OWN_SCHEME, meaning[:LONGEST_MEANING])


def public_codes(key: str, language: Language) -> Iterator[CodedConcept]:
    label = conditions_table().label(key)
    name = label.names.in_language(language)[:LONGEST_MEANING]
    for code in label.codes.snomed:
        yield CodedConcept(code, "SCT", name)
    for code in label.codes.icd10cm:
        yield CodedConcept(code, "I10C", name)
    for code in label.codes.icdo3:
        yield CodedConcept(code, "ICDO3", name)


def name_of(key: str, concept: CodedConcept, language: Language) -> CodedConcept:
    """The public code of this condition, if it has one. A bundle joins several diseases, and its
    codes name only some of them, so it has none.
    """
    return own("includes", language) if conditions_table().label(key).bundle else concept


def make_report(
    origin: ObjectSource,
    of: ObjectId,
    at: datetime,
    photos: Sequence[Dataset],
    before: ObjectId | None,
) -> EnhancedSR:
    """The current report, by all reviews of the spot. `photos` are the stored ones, as objects, and
    `before` is the report that this one replaces. Objects from an archive are evidence in another
    study.
    """
    finding = origin.finding
    decision = instructing_decision(finding)
    sent = [_sent_object(finding.source)] if finding.source else []
    seen = [
        SourceImageForMeasurementGroup(picture.SOPClassUID, picture.SOPInstanceUID)
        for picture in (*photos, *sent)
    ]
    dermoscopic = kind_of(finding) is Kind.DERMOSCOPY
    procedure = codes.SCT.DermoscopicPhotography if dermoscopic else codes.SCT.PhotographyOfPatient
    content = MeasurementReport(
        observation_context=ObservationContext(observer_device_context=_model(origin)),
        procedure_reported=CodedConcept.from_code(procedure),
        imaging_measurements=[_model_answer(origin, seen)],
        title=codes.DCM.ImagingMeasurementReport,
        language_of_content_item_and_descendants=LanguageOfContentItemAndDescendants(
            CodedConcept(origin.language, "RFC5646", LANGUAGE_NAMES[origin.language])
        ),
    )
    if decision:
        content[0].ContentSequence.append(_conclusions(origin, decision))
    # highdicom takes the patient and the study from an instance: without a photo, from this.
    stand_in = make_object(origin, ObjectId(of.finding, Kind.REPORT, 0), at)
    report = EnhancedSR(
        evidence=[*(photos or [stand_in]), *sent],
        content=content[0],
        is_complete=True,
        is_final=decision is not None and decision.final,
        requested_procedures=_orders(finding.source),
        previous_versions=[make_object(origin, before, at)] if before else None,
        **common_of(origin, of, at),
    )
    if not photos:
        del report.CurrentRequestedProcedureEvidenceSequence
    if sent:  # for the order that this answers, although it is of another study (PS3.3, C.17.2.3)
        own = report.get("CurrentRequestedProcedureEvidenceSequence", ())
        others = report.PertinentOtherEvidenceSequence
        report.CurrentRequestedProcedureEvidenceSequence = [*own, *others]
        del report.PertinentOtherEvidenceSequence
    del report.ContributingEquipmentSequence  # it contains the current time
    complete(report, origin, at)
    return report


def _sent_object(source: Source) -> Dataset:
    made = Dataset()
    made.StudyInstanceUID, made.SeriesInstanceUID = source.study_uid, source.series_uid
    made.SOPClassUID, made.SOPInstanceUID = source.sop_class_uid, source.sop_instance_uid
    return made


def _orders(source: Source | None) -> list[Dataset] | None:
    if source is None or source.accession_number is None:
        return None
    order = Dataset()
    order.AccessionNumber, order.StudyInstanceUID = source.accession_number, source.study_uid
    order.ReferencedStudySequence = [reference(STUDY_CLASS, source.study_uid)]
    for keyword in UNKNOWN_OF_ORDERS:
        setattr(order, keyword, "")
    order.RequestedProcedureCodeSequence = []
    return [order]


def _model(origin: ObjectSource) -> ObserverContext:
    version = origin.finding.finding.model_version
    return ObserverContext(
        codes.DCM.Device,
        DeviceObserverIdentifyingAttributes(
            uid=f"{study_uid(origin.finding.id)}.{Kind.STRUCTURED_REPORT:d}.0",
            name=MAKER,
            manufacturer_name=MAKER,
            model_name=MAKER,
            serial_number=version,
        ),
    )


def _model_answer(
    origin: ObjectSource, seen: Sequence[SourceImageForMeasurementGroup]
) -> MeasurementsAndQualitativeEvaluations:
    finding, language = origin.finding.finding, origin.language
    site, side = site_code(origin.finding.context), side_code(origin.finding.context)
    group = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=_spot(origin),
        finding_type=codes.SCT.SkinLesion,
        algorithm_id=AlgorithmIdentification(MAKER, finding.model_version, manufacturer=MAKER),
        finding_sites=[FindingSite(site, laterality=side)] if site else None,
        measurements=list(_probabilities(origin)),
        qualitative_evaluations=list(_said_by_model(origin)),
        source_images=seen,
    )
    if not origin.finding.says_instruction:
        instruction = say_finding(origin.finding, language, for_doctor=True)
        group[0].ContentSequence.append(TextContentItem(codes.DCM.Comment, instruction, CONTAINS))
    # The notices that must be shown with every finding, including doubts.
    effect = finding.facts_effect and finding.facts_effect.for_doctor
    for said in (*([effect] if effect else []), *finding.notices):
        group[0].ContentSequence.append(
            TextContentItem(codes.DCM.Comment, said.in_language(language), CONTAINS)
        )
    return group


def _spot(origin: ObjectSource) -> TrackingIdentifier:
    # A spot may have the id of its first finding, whose study has that number without a 0.
    return TrackingIdentifier(uid=f"{study_uid(origin.finding.lesion)}.0", identifier="Spot")


def _probabilities(origin: ObjectSource) -> Iterator[Measurement]:
    finding, language = origin.finding.finding, origin.language
    for ranked in finding.shown_ranked:
        measured = _number(probability_code(ranked.key, language), ranked.probability)
        if named := list(public_codes(ranked.key, language)):
            name_of_code = name_of(ranked.key, own("of_condition", language), language)
            measured[0].ContentSequence = ContentSequence(
                [CodeContentItem(name_of_code, code, MODIFIES) for code in named]
            )
        yield measured
    yield _number(own("malignant_score", language), finding.shown_malignant_score)
    if finding.checklist_score is not None:
        yield _number(own("checklist_score", language), finding.checklist_score)


def _number(name: CodedConcept, value: float) -> Measurement:
    return Measurement(name, round(value, 6), codes.UCUM.NoUnits)


def _said_by_model(origin: ObjectSource) -> Iterator[QualitativeEvaluation]:
    finding, language = origin.finding.finding, origin.language
    headline = finding.headline
    said = [("risk_band", band_code(finding.band, language))]
    if not headline.not_skin:
        said.append(("most_likely", condition_code(headline.likely.key, language)))
    said += [("not_ruled_out", condition_code(e.key, language)) for e in headline.not_ruled_out]
    said += [("doubt", own(doubt, language)) for doubt in finding.reasons]
    if not origin.finding.says_instruction:
        said.append(("urgency", band_code(origin.finding.instruction.band, language)))
    for name, code in [*said, *_list_told(origin)]:
        yield QualitativeEvaluation(own(name, language), code)


def _list_told(origin: ObjectSource) -> Iterator[tuple[str, CodedConcept]]:
    context, language = origin.finding.context, origin.language
    if context.age_band:
        yield "age_band", _own(context.age_band, context.age_band)
    for sign in conditions_table().checklist.items:
        if sign.key in (context.checklist or ()):
            yield "sign", _own(sign.key, sign.doctor.in_language(language))


def _conclusions(origin: ObjectSource, decision: Decision) -> ContainerContentItem:
    language = origin.language
    container = ContainerContentItem(codes.DCM.Conclusions, relationship_type=CONTAINS)
    container.add_new(OBSERVED_AT, "DT", f"{decision.decided_at:%Y%m%d%H%M%S}")
    container.ContentSequence = ContentSequence(
        ObserverContext(
            codes.DCM.Person,
            PersonObserverIdentifyingAttributes(name=_person_name(decision.decided_by)),
        )
    )
    said: list[tuple[CodedConcept, CodedConcept]] = []
    if label := decision.label:
        concluded = CodedConcept.from_code(codes.DCM.Conclusion)
        name = concluded if decision.concluded else own("suspected", language)
        said.append((name, condition_code(label, language)))
        # A public code stands alone in many a search: what is suspected has none.
        if decision.concluded:
            named = name_of(label, concluded, language)
            said += [(named, code) for code in public_codes(label, language)]
    if decision.waits_for is not WaitsFor.PHOTO:  # otherwise nobody could judge it
        said.append((own("urgency", language), band_code(decision.urgency, language)))
    if decision.certainty:
        said.append((own("certainty", language), own(decision.certainty, language)))
    if decision.sample:
        said.append((own("sample", language), own(decision.sample, language)))
    if decision.photo_wanted:
        said.append((own("wanted", language), own("new_picture", language)))
    container.ContentSequence.extend(CodeContentItem(name, code, CONTAINS) for name, code in said)
    container.ContentSequence.extend(
        TextContentItem(codes.DCM.Comment, f"{sentence}.", CONTAINS)
        for sentence in decision.signed_before(language)
    )
    return container


def _person_name(signature: str) -> str:
    return signature.translate({ord(sign): " " for sign in "^=\\"}).strip()[:63] + "^"
