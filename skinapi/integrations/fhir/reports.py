"""A finding as a `DiagnosticReport` with its `Observation`s, and its photos as `Media`.

The model's output is never a diagnosis: its observations name the model as their device, and a
disease code only occurs in the component of a probability. Only a doctor's certain diagnosis is the
conclusion of the report. docs/integrate/ehr.md has the tables.
https://hl7.org/fhir/R4/diagnosticreport.html, https://hl7.org/fhir/R4/observation.html
"""

from collections.abc import Iterator
from html import escape
from typing import Any

from skinapi.base.days import say_due
from skinapi.base.languages import Language
from skinapi.findings.records.stored_finding import EnteredInError, StoredFinding
from skinapi.findings.reports.words import (
    LABELS,
    say_amended,
    say_version,
    without_repeats,
)
from skinapi.findings.reviews.corrections import ERRORS
from skinapi.findings.status.decisions import Decision, WaitsFor
from skinapi.integrations.fhir.elements import (
    DATA_ABSENT,
    DCM,
    LOINC,
    OF_BODY_STRUCTURE,
    ORDERS,
    Element,
    Resource,
    absent,
    coding,
    concept,
    condition_concept,
    instant,
    made,
    own_concept,
    own_system,
    reference,
    share,
)
from skinapi.integrations.standards import instructing_decision, say_finding, say_instruction
from skinapi.model.conditions import Band, conditions_table
from skinapi.model.context import TOLD, Modality
from skinapi.model.finding import doubt_notice
from skinapi.model.headline import as_mapping

CATEGORIES = "http://terminology.hl7.org/CodeSystem/observation-category"
SECTIONS = "http://terminology.hl7.org/CodeSystem/v2-0074"
GENDER = "http://hl7.org/fhir/administrative-gender"
MEDIA_TYPES = "http://terminology.hl7.org/CodeSystem/media-type"
MODALITIES = {
    Modality.DERMOSCOPIC: coding(DCM, "DMS", "Dermoscopy"),
    Modality.CLINICAL: coding(DCM, "XC", "External-camera Photography"),
}
# Of an order: no caller can send it as an Idempotency-Key, because those have no slash.
ORDER_KEY = "fhir/"
NO_CONCLUSION = "No doctor has signed a conclusion"
DECIDED = (
    "How soon a doctor should see the lesion, as a doctor has decided: it replaces the model's"
)
# What is left of a resource that was entered in error, beside its status.
KEPT_IN_ERROR = {
    *("language", "identifier", "category", "code", "type", "subject", "issued", "result", "media"),
    *("effectiveDateTime", "createdDateTime", "basedOn"),
}


def resources_of(
    finding: StoredFinding, base: str, *, printed: bool = False, for_doctor: bool = True
) -> Iterator[Resource]:
    """All resources of a finding, the report first. With `printed` the report refers to its PDF, in
    which a signed letter may name the patient.
    """
    if finding.error:
        yield from _in_error(finding, finding.error, base)
        return
    observations = list(observations_of(finding))
    media = list(media_of(finding, base))
    yield _report_of(finding, observations, media, base if printed else None, for_doctor=for_doctor)
    yield from observations
    yield from media
    for gone in _observed_before(finding, observations):
        yield _without_content(gone, finding)


def _observed_before(finding: StoredFinding, now: list[Resource]) -> list[Resource]:
    """Observations of an earlier version that the newest lacks, such as a removed fact: a program
    may have a copy.
    """
    known = {item["id"] for item in now}
    versions = [
        finding.model_copy(update={"finding": item.finding, "context": item.context})
        for item in finding.earlier
    ]
    before = {item["id"]: item for version in versions for item in observations_of(version)}
    return [item for name, item in before.items() if name not in known]


def _in_error(finding: StoredFinding, error: EnteredInError, base: str) -> Iterator[Resource]:
    """The report, observations and photos that a program may have copied, without their content,
    which may be about another person.
    """
    observations = [*observations_of(finding), _observe(finding, "decided-urgency", DECIDED)]
    observations += _observed_before(finding, observations)
    media = list(media_of(finding, base))
    text = [ERRORS[finding.language].in_error, error.reason]
    report = _report_of(finding, observations, media, None, for_doctor=True)
    yield _without_content(report, finding, text=_narrative(text))
    for observation in (*observations, *media):
        yield _without_content(observation, finding)


def _without_content(resource: Resource, finding: StoredFinding, **elements: Element) -> Resource:
    kind = resource["resourceType"]
    kept = {name: value for name, value in resource.items() if name in KEPT_IN_ERROR}
    if kind == "Media":
        kept["content"] = {"contentType": "image/jpeg"}
    kept |= {"status": "entered-in-error", **elements}
    return made(kind, resource["id"], finding.changed_at, **kept)


def report_status(finding: StoredFinding) -> str:
    """Preliminary until a doctor has signed a review that does not wait for a laboratory result or
    another photo. Amended if it is not the first one, or the spot has changed since.
    """
    decision = finding.decision
    if decision is None or not decision.final:
        return "preliminary"
    return _signed_status(finding, decision)


def _signed_status(finding: StoredFinding, decision: Decision) -> str:
    return "amended" if decision.changed or len(finding.reviews) > 1 else "final"


def _report_of(
    finding: StoredFinding,
    observations: list[Resource],
    media: list[Resource],
    base: str | None,
    *,
    for_doctor: bool,
) -> Resource:
    number, language = finding.number, finding.language
    said, counts = _say(finding, for_doctor=for_doctor), instructing_decision(finding)
    notices = (notice.in_language(language) for notice in finding.finding.notices)
    pdf = {
        "contentType": "application/pdf",
        "language": language,
        "url": f"{base}/Binary/{number}-report",
        "title": "The report, with signed letters",
    }
    return made(
        "DiagnosticReport",
        number,
        finding.changed_at,
        language=language,
        text=_narrative([said, *_say_judged(finding), *without_repeats(notices)]),
        identifier=[{"system": own_system("findings"), "value": str(number)}],
        basedOn=_based_on(finding),
        status=report_status(finding),
        category=[concept(coding(SECTIONS, "IMG", "Diagnostic Imaging"))],
        code=concept(
            coding(own_system("reports"), "photo-assessment"),
            coding(LOINC, "18748-4", "Diagnostic imaging study"),
            text="Assessment of a photo of a skin lesion",
        ),
        subject=reference("Patient", finding.owner),
        effectiveDateTime=instant(finding.created_at),
        issued=instant(finding.said_at),
        resultsInterpreter=[{"display": counts.decided_by}] if counts else None,
        result=[_refer(observation) for observation in observations],
        media=[{"link": _refer(item)} for item in media],
        conclusion=said if finding.decision or finding.instruction.taken_back_at else None,
        conclusionCode=[_conclude(finding)],
        presentedForm=[pdf] if base else None,
    )


def _based_on(finding: StoredFinding) -> list[Element]:
    if not (finding.idempotency_key or "").startswith(ORDER_KEY):
        return []
    order = {"system": own_system(ORDERS), "value": str(finding.number)}
    return [{"type": "ServiceRequest", "identifier": order}]


def _conclude(finding: StoredFinding) -> Element:
    decision = finding.decision
    if decision is None:
        return _no_concept("temp-unknown", NO_CONCLUSION)
    if not decision.instructs:
        return _no_concept("temp-unknown", say_instruction(finding, "en"))
    if decision.label is None:
        return _no_concept("unknown", decision.name(finding.language))
    if not decision.concluded:
        return _no_concept("temp-unknown", decision.heading(finding.language, for_doctor=True))
    return condition_concept(decision.label)


def _no_concept(reason: str, text: str) -> Element:
    return {"extension": [{"url": DATA_ABSENT, "valueCode": reason}], "text": text}


def _say(finding: StoredFinding, *, for_doctor: bool) -> str:
    language = finding.language
    if finding.decision or not finding.says_instruction:
        return say_finding(finding, language, for_doctor=for_doctor)
    due = say_due(finding.instruction.due, language)
    judged, words = finding.finding, finding.finding.band_words(language)
    headline, effect = judged.headline, judged.facts_effect
    sentences = [headline.for_doctor if for_doctor else headline.for_patient]
    changed = effect and (effect.for_doctor if for_doctor else effect.for_patient)
    sentences += [changed] if changed else []
    step = words.doctor_action if for_doctor else words.action
    return " ".join([*(sentence.in_language(language) for sentence in sentences), step, *due])


def _say_judged(finding: StoredFinding) -> Iterator[str]:
    version, language = finding.newest, finding.language
    if said := say_version(version.version, finding.judged_at, finding.corrected, language):
        yield f"{LABELS[language].judged}: {said}"
    if said := say_amended(finding.amended, finding.amended_at, language):
        yield f"{LABELS[language].amended}: {said}"


def _narrative(paragraphs: list[str]) -> Element:
    said = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in paragraphs)
    return {
        "status": "generated",
        "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{said}</div>',
    }


def _refer(resource: Resource) -> Element:
    return reference(resource["resourceType"], resource["id"])


def observations_of(finding: StoredFinding) -> Iterator[Resource]:
    """The doctor's decision, which replaces the model's band, then the model's output. The decision
    stays once it was signed, even if its review is voided.
    """
    judged, said = finding.finding, []
    if not finding.says_instruction:
        said = [say_instruction(finding, "en")]
    pictured = as_mapping((judged.restated or judged).from_picture or ())
    if finding.reviews:
        yield _decided(finding)
    yield _likely(finding)
    for ranked in judged.shown_ranked:
        name = conditions_table().by_key(ranked.key).names.en
        alone = pictured.get(ranked.key)
        yield _observe(
            finding,
            f"probability-{ranked.key.replace('_', '-')}",
            f"Probability of {name}, by the model",
            valueQuantity=share(ranked.probability),
            component=[
                {
                    "code": own_concept("observations", "condition", "Of which condition"),
                    "valueCodeableConcept": condition_concept(ranked.key),
                },
                *([] if alone is None else [_by_picture(alone)]),
            ],
        )
    yield _observe(
        finding,
        "malignant-score",
        "Malignant score, by the model: the sum of all that count as malignant",
        valueQuantity=share(judged.shown_malignant_score),
    )
    yield _observe(
        finding,
        "urgency",
        "How soon a doctor should see the lesion, by the model and the checklist",
        valueCodeableConcept=_band_concept(judged.band, finding.language),
        note=_notes(finding, *said),
    )
    if told := list(_list_told(finding)):
        yield _observe(
            finding,
            "told",
            "What the sender told of the person and the spot, which counts with the photo",
            by_model=False,
            component=told,
        )


def _by_picture(probability: float) -> Element:
    text = "The same by the picture alone, without what the sender told"
    code = own_concept("observations", "by-picture-alone", text)
    return {"code": code, "valueQuantity": share(probability)}


def _list_told(finding: StoredFinding) -> Iterator[Element]:
    context, score = finding.context, finding.finding.checklist_score
    told: list[tuple[str, str, Element]] = []
    for name, fact in TOLD.items():
        value = getattr(context, name)
        if fact.observed and value is not None:
            told.append((name.replace("_", "-"), fact.observed, _say_value(name, value)))
    if score is not None:
        text = "Score of the weighted 7-point checklist"
        told.append(("checklist-score", text, {"valueInteger": score}))
    for sign in conditions_table().checklist.items:
        if sign.key in (context.checklist or ()):
            value = own_concept("signs", sign.key, sign.doctor.en)
            told.append(("sign", "A sign of the checklist", {"valueCodeableConcept": value}))
    for code, text, said in told:
        yield {"code": own_concept("observations", code, text), **said}


def _say_value(name: str, value: int | str) -> Element:
    if name == "sex":
        return {"valueCodeableConcept": concept(coding(GENDER, str(value), str(value)))}
    kinds: dict[type, str] = {bool: "valueBoolean", int: "valueInteger"}
    return {kinds.get(type(value), "valueString"): value}


def _likely(finding: StoredFinding) -> Resource:
    judged, language = finding.finding, finding.language
    key = judged.likely
    if judged.uncertain:
        doubts = without_repeats(
            doubt_notice(reason).in_language(language) for reason in judged.reasons
        )
        value: dict[str, Any] = {"dataAbsentReason": absent("unknown", " ".join(doubts))}
    else:
        name = conditions_table().by_key(key).names.en
        value = {"valueCodeableConcept": own_concept("conditions", key, name)}
    # The likely condition alone would hide a plausible cancer.
    value["component"] = [
        {
            "code": own_concept("observations", "not-ruled-out", "Cannot be ruled out"),
            "valueCodeableConcept": own_concept(
                "conditions", item.key, conditions_table().by_key(item.key).names.en
            ),
        }
        for item in judged.headline.not_ruled_out
    ]
    return _observe(
        finding, "likely-condition", "The condition that is most likely, by the model", **value
    )


def _band_concept(band: Band, language: Language) -> Element:
    words = conditions_table().band_words(band, language)
    return own_concept("bands", band, words.doctor_label)


def _decided(finding: StoredFinding) -> Resource:
    """Without a value if the current review is not the instruction, or requests another photo
    because this one could not be judged.
    """
    decision, language = instructing_decision(finding), finding.language
    if decision and decision.waits_for is not WaitsFor.PHOTO:
        value: dict[str, Any] = {"valueCodeableConcept": _band_concept(decision.urgency, language)}
        status = _signed_status(finding, decision)
    else:
        value = {"dataAbsentReason": absent("temp-unknown", say_instruction(finding, "en"))}
        status = "preliminary" if decision else "amended"
    return _observe(
        finding,
        "decided-urgency",
        DECIDED,
        by_model=False,
        performer=[{"display": decision.decided_by}] if decision else None,
        issued=instant(finding.said_at),
        status=status,
        **value,
    )


def _observe(
    finding: StoredFinding, name: str, says: str, *, by_model: bool = True, **elements: Any
) -> Resource:
    """The model's output stays preliminary, because nobody signs it. A doctor's decision is a
    separate observation.
    """
    signed = finding.decision is not None and not by_model
    version = finding.finding.model_version
    model: dict[str, Any] = {
        "method": own_concept("methods", "network", "Neural network, on the photo"),
        "device": {
            "type": "Device",
            "identifier": {"system": own_system("models"), "value": version},
            "display": version,
        },
        "note": _notes(finding),
    }
    return made(
        "Observation",
        f"{finding.number}-{name}",
        finding.changed_at,
        **{
            "status": "final" if signed else "preliminary",
            "category": [concept(coding(CATEGORIES, "imaging", "Imaging"))],
            "code": own_concept("observations", name, says),
            "subject": reference("Patient", finding.owner),
            "effectiveDateTime": instant(finding.created_at),
            "issued": instant(finding.newest.judged_at),
            "bodySite": _body_site(finding),
            "derivedFrom": [
                reference("Media", media_identifier) for media_identifier in _media_ids(finding)
            ],
            **(model if by_model else {}),
            **elements,
        },
    )


def _notes(finding: StoredFinding, *more: str) -> list[Element]:
    notice = conditions_table().notices.information_only.in_language(finding.language)
    return [{"text": text} for text in (notice, *more)]


def _body_site(finding: StoredFinding) -> Element:
    context, spot = finding.context, finding.lesion
    systems = ("body-sites", "laterality", "sides")
    told = (context.body_site, context.body_laterality, context.body_side)
    codes = [(system, code) for system, code in zip(systems, told, strict=True) if code]
    words = [code.replace("_", " ") for _, code in codes]
    if words:  # the spot may be at another place
        words.append("as told with the photo")
    place = concept(
        *(coding(own_system(system), code) for system, code in codes), text=", ".join(words)
    )
    belongs = {"url": OF_BODY_STRUCTURE, "valueReference": reference("BodyStructure", spot)}
    return {"extension": [belongs], **place}


def _media_ids(finding: StoredFinding) -> list[str]:
    pictures = enumerate(finding.pictures, 1)
    return [f"{finding.number}-{place}" for place, picture in pictures if picture.photo_blob]


def media_of(finding: StoredFinding, base: str) -> Iterator[Resource]:
    for identifier in _media_ids(finding):
        picture = finding.of_picture(int(identifier.rpartition("-")[2]))
        quality, modality = picture.finding.quality, picture.finding.modality
        kind = MODALITIES.get(modality.recognised if modality else Modality.UNKNOWN)
        yield made(
            "Media",
            identifier,
            finding.changed_at,
            identifier=[{"system": own_system("photos"), "value": identifier}],
            status="completed",
            type=concept(coding(MEDIA_TYPES, "image", "Image")),
            modality=concept(kind) if kind else None,
            subject=reference("Patient", finding.owner),
            createdDateTime=instant(finding.created_at),
            bodySite=_body_site(finding),
            width=quality.width,
            height=quality.height,
            content={"contentType": "image/jpeg", "url": f"{base}/Binary/{identifier}"},
        )
