"""A finding as a structured report (TID 1500): what the model measured, what a doctor concluded.

Who says what is kept apart. The measurements are the model's, which is named as a device with its
version. A conclusion is there only where a doctor has signed one, and names that doctor as its
observer.
"""

from collections.abc import Iterator, Sequence

from highdicom.sr import (
    AlgorithmIdentification,
    CodeContentItem,
    CodedConcept,
    ContainerContentItem,
    ContentItem,
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
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from skinapi.records.decisions import Decision
from skinapi.settings import VERSION
from skinapi.standards.dicom.codes import (
    LANGUAGE_NAMES,
    condition_code,
    name_of,
    own,
    public_codes,
    side_code,
    site_code,
)
from skinapi.standards.dicom.objects import MAKER, Subject, common_of, complete, make_object
from skinapi.standards.dicom.uids import Kind, ObjectId, study_uid, uid_of_id
from skinapi.vision.conditions import Band, conditions_table
from skinapi.vision.context import Modality
from skinapi.vision.outline import Shape

CONTAINS = RelationshipTypeValues.CONTAINS
MODIFIES = RelationshipTypeValues.HAS_CONCEPT_MOD
OBSERVED_AT = 0x0040A032  # Observation DateTime
SHAPE_MEANINGS = {
    "asymmetry": "Asymmetry of the lesion, from 0 to 1",
    "border": "Irregularity of the lesion's border, from 0 to 1",
    "colour": "Variety of the lesion's colours, from 0 to 1",
    "diameter": "Diameter relative to the photograph's shorter side",
}


def make_report(
    subject: Subject,
    of: ObjectId,
    decision: Decision | None,
    photos: Sequence[Dataset],
    shape: Shape | None,
) -> EnhancedSR:
    """The report as the reviews say it now; `of` has their number as its own. `photos` are those
    that are kept, as objects; `shape` is what was measured of the one that is shown.
    """
    finding = subject.finding
    at = decision.decided_at if decision else finding.created_at
    seen = [SourceImageForMeasurementGroup(p.SOPClassUID, p.SOPInstanceUID) for p in photos]
    groups = [_model_answer(subject, seen), *_shape_measures(subject, shape, seen)]
    content = MeasurementReport(
        observation_context=ObservationContext(observer_device_context=_model(subject)),
        procedure_reported=_procedure(subject),
        imaging_measurements=groups,
        title=codes.DCM.ImagingMeasurementReport,
        language_of_content_item_and_descendants=LanguageOfContentItemAndDescendants(
            CodedConcept(subject.language, "RFC5646", LANGUAGE_NAMES[subject.language])
        ),
    )
    if decision:
        content[0].ContentSequence.append(_conclusions(subject, decision))
    earlier = ObjectId(of.finding, of.kind, of.number - 1)
    report = EnhancedSR(
        evidence=photos or [make_object(subject, _stand_in(of), at)],
        content=content[0],
        is_complete=True,
        is_final=decision is not None,
        previous_versions=[make_object(subject, earlier, at)] if of.number else None,
        **common_of(subject, of, at),
    )
    if not photos:
        del report.CurrentRequestedProcedureEvidenceSequence
    del report.ContributingEquipmentSequence  # it holds the time of this moment
    complete(report, subject, at)
    return report


def _stand_in(of: ObjectId) -> ObjectId:
    """highdicom takes the patient and the study from an instance: without a photo, from this."""
    return ObjectId(of.finding, Kind.REPORT, 0)


def _model(subject: Subject) -> ObserverContext:
    version = subject.finding.finding.model_version
    return ObserverContext(
        codes.DCM.Device,
        DeviceObserverIdentifyingAttributes(
            uid=f"{study_uid(subject.finding.id)}.{Kind.STRUCTURED_REPORT:d}.0",
            name=MAKER,
            manufacturer_name=MAKER,
            model_name=MAKER,
            serial_number=version,
        ),
    )


def _procedure(subject: Subject) -> CodedConcept:
    told = subject.finding.finding.modality
    dermoscopic = told is not None and told.used == (Modality.DERMOSCOPIC,)
    code = codes.SCT.DermoscopicPhotography if dermoscopic else codes.SCT.PhotographyOfPatient
    return CodedConcept.from_code(code)


def _model_answer(
    subject: Subject, seen: Sequence[SourceImageForMeasurementGroup]
) -> MeasurementsAndQualitativeEvaluations:
    finding, language = subject.finding.finding, subject.language
    group = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=_spot(subject),
        finding_type=codes.SCT.SkinLesion,
        algorithm_id=AlgorithmIdentification(MAKER, finding.model_version, manufacturer=MAKER),
        finding_sites=_sites(subject),
        measurements=list(_probabilities(subject)),
        qualitative_evaluations=list(_said_by_model(subject)),
        source_images=seen,
    )
    # What must be shown with every finding, doubts included.
    for notice in finding.notices:
        group[0].ContentSequence.append(_text(codes.DCM.Comment, notice.in_language(language)))
    return group


def _spot(subject: Subject) -> TrackingIdentifier:
    """The same for every finding of a spot: so a reader follows it over time."""
    finding = subject.finding
    if finding.lesion:
        return TrackingIdentifier(uid=uid_of_id(finding.lesion), identifier="Spot")
    return TrackingIdentifier(uid=f"{study_uid(finding.id)}.0", identifier="Spot of this finding")


def _sites(subject: Subject) -> list[FindingSite] | None:
    site = site_code(subject.finding.context)
    if site is None:
        return None
    return [FindingSite(site, laterality=side_code(subject.finding.context))]


def _probabilities(subject: Subject) -> Iterator[Measurement]:
    """As people read them. The condition stands beside each by the codes of the table."""
    finding, language = subject.finding.finding, subject.language
    for one in finding.shown_ranked:
        name = conditions_table().name(one.key, language)
        measured = _number(f"probability_{one.key}", f"Probability: {name}", one.probability)
        if named := list(public_codes(one.key, language)):
            name_of_code = name_of(one.key, codes.DCM.Finding)
            measured[0].ContentSequence = ContentSequence(
                [CodeContentItem(name_of_code, code, MODIFIES) for code in named]
            )
        yield measured
    yield _number("malignant_score", "Sum of all malignant", finding.shown_malignant_score)
    if finding.checklist_score is not None:
        name = "Score of the weighted 7-point checklist"
        yield _number("checklist_score", name, finding.checklist_score)


def _number(code: str, name: str, value: float) -> Measurement:
    return Measurement(own(code, name), round(value, 6), codes.UCUM.NoUnits)


def _said_by_model(subject: Subject) -> Iterator[QualitativeEvaluation]:
    finding, language = subject.finding.finding, subject.language
    headline = finding.headline
    yield QualitativeEvaluation(own("risk_band", "Risk band"), _band(finding.band, subject))
    likely = condition_code(headline.likely.key, language)
    yield QualitativeEvaluation(own("most_likely", "Most likely by the model"), likely)
    for one in headline.not_ruled_out:
        code = condition_code(one.key, language)
        yield QualitativeEvaluation(own("not_ruled_out", "Not ruled out by the model"), code)
    for doubt in finding.reasons:
        code = own(doubt, doubt.replace("_", " ").capitalize())
        yield QualitativeEvaluation(own("doubt", "Why the finding is uncertain"), code)


def _band(band: Band, subject: Subject) -> CodedConcept:
    return own(band, conditions_table().band_words(band, subject.language).doctor_label)


def _shape_measures(
    subject: Subject, shape: Shape | None, seen: Sequence[SourceImageForMeasurementGroup]
) -> Iterator[MeasurementsAndQualitativeEvaluations]:
    """What was measured of the pixels, not by the model; of the photo that is shown."""
    if shape is None:
        return
    shown = seen[min(subject.finding.finding.shown_picture, len(seen) - 1)]
    yield MeasurementsAndQualitativeEvaluations(
        tracking_identifier=_spot(subject),
        finding_type=codes.SCT.SkinLesion,
        algorithm_id=AlgorithmIdentification("SkinAPI outline", VERSION, manufacturer=MAKER),
        measurements=[
            _number(name, meaning, getattr(shape, name)) for name, meaning in SHAPE_MEANINGS.items()
        ],
        source_images=[shown],
    )


def _conclusions(subject: Subject, decision: Decision) -> ContainerContentItem:
    """What the review that counts says, as its doctor's."""
    language = subject.language
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
        said.append((concluded, condition_code(label, language)))
        named = name_of(label, codes.DCM.Conclusion)
        said += [(named, code) for code in public_codes(label, language)]
    said.append((own("urgency", "Urgency"), _band(decision.urgency, subject)))
    said.append((own("certainty", "Certainty"), _word(decision.certainty)))
    if decision.histology:
        said.append((own("histology", "Histology"), _word(decision.histology)))
    if decision.new_picture_wanted:
        said.append((own("wanted", "Wanted"), own("new_picture", "Another photograph")))
    container.ContentSequence.extend(CodeContentItem(name, code, CONTAINS) for name, code in said)
    return container


def _word(word: str) -> CodedConcept:
    return own(word, word.replace("_", " ").capitalize())


def _text(name: CodedConcept, text: str) -> ContentItem:
    return TextContentItem(name, text, CONTAINS)


def _person_name(signature: str) -> str:
    """A signature as a DICOM name of one component, without what has a meaning there."""
    return signature.translate({ord(sign): " " for sign in "^=\\"}).strip()[:63] + "^"
