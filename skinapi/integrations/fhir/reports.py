"""A finding as a `DiagnosticReport` with its `Observation`s, and its photos as `Media`.

What the model says are observations, with the model as their device, and never a diagnosis: they
have no code of a disease, other than in a component that says of which condition a probability is.
Only what a doctor is sure of is the report's conclusion. docs/integrate/ehr.md has the tables.
https://hl7.org/fhir/R4/diagnosticreport.html, https://hl7.org/fhir/R4/observation.html
"""

from collections.abc import Iterator
from html import escape
from typing import Any

from skinapi.base.languages import Language
from skinapi.findings.records.stored_finding import EnteredInError
from skinapi.findings.records.visible_findings import VisibleFinding
from skinapi.findings.reports.words import (
    LABELS,
    say_advice,
    say_amended,
    say_version,
    without_repeats,
)
from skinapi.findings.reviews.corrections import ERRORS
from skinapi.findings.status.decisions import Decision, WaitsFor, say_due
from skinapi.findings.status.lesion_status import Advice
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
from skinapi.integrations.standards import counting_decision, say_replaced
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
    submission: VisibleFinding, base: str, *, printed: bool = False
) -> Iterator[Resource]:
    """All resources of a finding: the report first, then what it refers to. With `printed` the
    report names its PDF, in which a signed letter may name the patient.
    """
    if submission.error:
        yield from _in_error(submission, submission.error, base)
        return
    observations = list(observations_of(submission))
    media = list(media_of(submission, base))
    yield _report_of(submission, observations, media, base if printed else None)
    yield from observations
    yield from media
    for gone in _observed_before(submission, observations):
        yield _without_content(gone, submission)


def _observed_before(submission: VisibleFinding, now: list[Resource]) -> list[Resource]:
    """What an earlier version observed and the newest does not: no fact is told any more, say. A
    program may have copied it.
    """
    known = {item["id"] for item in now}
    versions = [
        submission.model_copy(update={"finding": item.finding, "context": item.context})
        for item in submission.earlier
    ]
    before = {item["id"]: item for version in versions for item in observations_of(version)}
    return [item for name, item in before.items() if name not in known]


def _in_error(submission: VisibleFinding, error: EnteredInError, base: str) -> Iterator[Resource]:
    """The report, observations and photos that a program may have copied, without what they said:
    it may be about somebody else.
    """
    observations = [*observations_of(submission), _observe(submission, "decided-urgency", DECIDED)]
    observations += _observed_before(submission, observations)
    media = list(media_of(submission, base))
    text = [ERRORS[submission.language].in_error, error.reason]
    report = _report_of(submission, observations, media, None)
    yield _without_content(report, submission, text=_narrative(text))
    for observation in (*observations, *media):
        yield _without_content(observation, submission)


def _without_content(
    resource: Resource, submission: VisibleFinding, **elements: Element
) -> Resource:
    kind = resource["resourceType"]
    kept = {name: value for name, value in resource.items() if name in KEPT_IN_ERROR}
    if kind == "Media":
        kept["content"] = {"contentType": "image/jpeg"}
    kept |= {"status": "entered-in-error", **elements}
    return made(kind, resource["id"], submission.changed_at, **kept)


def report_status(submission: VisibleFinding) -> str:
    """Preliminary until a doctor has judged it, or a newer photo that was asked for instead, and
    waits for neither a result of the laboratory nor another photo; amended where something else
    counts since: another decision, or what was said of another finding of the spot.
    """
    decision, replaced = submission.decision, submission.replaced_by is not None
    if decision is None:
        return "preliminary"
    counts = counting_decision(submission)
    judged = decision.final and not replaced
    judged = judged or (submission.awaited is None and counts is not None and counts.final)
    if any(item.waits_for is None for item in decision.earlier) or (replaced and decision.final):
        return "amended" if replaced or judged else "preliminary"
    return "final" if judged else "preliminary"


def _report_of(
    submission: VisibleFinding,
    observations: list[Resource],
    media: list[Resource],
    base: str | None,
) -> Resource:
    number, language = submission.number, submission.language
    said, counting = _say(submission), counting_decision(submission)
    notices = (notice.in_language(language) for notice in submission.finding.notices)
    pdf = {
        "contentType": "application/pdf",
        "language": language,
        "url": f"{base}/Binary/{number}-report",
        "title": "The report, with signed letters",
    }
    return made(
        "DiagnosticReport",
        number,
        submission.changed_at,
        language=language,
        text=_narrative([said, *_say_judged(submission), *without_repeats(notices)]),
        identifier=[{"system": own_system("findings"), "value": str(number)}],
        basedOn=_based_on(submission),
        status=report_status(submission),
        category=[concept(coding(SECTIONS, "IMG", "Diagnostic Imaging"))],
        code=concept(
            coding(own_system("reports"), "photo-assessment"),
            coding(LOINC, "18748-4", "Diagnostic imaging study"),
            text="Assessment of a photo of a skin lesion",
        ),
        subject=reference("Patient", submission.owner),
        effectiveDateTime=instant(submission.created_at),
        issued=instant(submission.said_at),
        resultsInterpreter=[{"display": counting.decided_by}] if counting else None,
        result=[_refer(observation) for observation in observations],
        media=[{"link": _refer(item)} for item in media],
        conclusion=said if counting or submission.decision else None,
        conclusionCode=[_conclude(submission)],
        presentedForm=[pdf] if base else None,
    )


def _based_on(submission: VisibleFinding) -> list[Element]:
    """The order that it answers; of its own identifier a keyed hash is kept."""
    if not (submission.idempotency_key or "").startswith(ORDER_KEY):
        return []
    order = {"system": own_system(ORDERS), "value": str(submission.number)}
    return [{"type": "ServiceRequest", "identifier": order}]


def _conclude(submission: VisibleFinding) -> Element:
    """What is more than a suspicion, in codes; else why there is none."""
    decision, replaced_by = counting_decision(submission), submission.replaced_by
    if replaced_by and decision is None:
        return _no_concept("temp-unknown", f"{NO_CONCLUSION}. {_say_instead(replaced_by)}")
    if decision is None:
        return _no_concept("temp-unknown", NO_CONCLUSION)
    if decision.label is None:
        return _no_concept("unknown", decision.name(submission.language))
    if not decision.concluded:
        return _no_concept("temp-unknown", decision.heading(submission.language, for_doctor=True))
    return condition_concept(decision.label)


def _say_instead(advice: Advice) -> str:
    """What counts instead, in English, as all that stands beside codes."""
    return " ".join(say_advice(advice, "en", for_doctor=True))


def _no_concept(reason: str, text: str) -> Element:
    return {"extension": [{"url": DATA_ABSENT, "valueCode": reason}], "text": text}


def _say(submission: VisibleFinding) -> str:
    """What counts, in the words of its reader, and by when it is due."""
    decision, language = submission.decision, submission.language
    due = say_due(submission.instruction.counts.due, language)
    for_doctor = not submission.reader.is_patient
    if submission.replaced_by:
        return say_replaced(submission, submission.replaced_by, language)
    if decision and for_doctor:
        heading, *others = decision.for_doctor(language)
        return " ".join([f"{heading}.", *others, *due])
    if decision:  # of one that judges nothing the next steps say it, too
        said = [] if decision.unjudged else [f"{decision.heading(language)}."]
        return " ".join([*said, *decision.next_steps(language), *due])
    finding, words = submission.finding, submission.finding.band_words(language)
    headline, effect = finding.headline, finding.facts_effect
    sentences = [headline.for_doctor if for_doctor else headline.for_patient]
    changed = effect and (effect.for_doctor if for_doctor else effect.for_patient)
    sentences += [changed] if changed else []
    step = words.doctor_action if for_doctor else words.action
    return " ".join([*(sentence.in_language(language) for sentence in sentences), step, *due])


def _say_judged(submission: VisibleFinding) -> Iterator[str]:
    """Which version it is of a photo that was judged again, and what was corrected."""
    version, language = submission.newest, submission.language
    if said := say_version(version.version, submission.judged_at, submission.corrected, language):
        yield f"{LABELS[language].judged}: {said}"
    if said := say_amended(submission.amended, submission.amended_at, language):
        yield f"{LABELS[language].amended}: {said}"


def _narrative(paragraphs: list[str]) -> Element:
    said = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in paragraphs)
    return {
        "status": "generated",
        "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{said}</div>',
    }


def _refer(resource: Resource) -> Element:
    return reference(resource["resourceType"], resource["id"])


def observations_of(submission: VisibleFinding) -> Iterator[Resource]:
    """What a doctor has decided first: it replaces the model's band. Then the model's output."""
    finding, replaced_by = submission.finding, submission.replaced_by
    pictured = as_mapping((finding.restated or finding).from_picture or ())
    if submission.decision or counting_decision(submission):
        yield _decided(submission)
    yield _likely(submission)
    for ranked in finding.shown_ranked:
        name = conditions_table().by_key(ranked.key).names.en
        alone = pictured.get(ranked.key)
        yield _observe(
            submission,
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
        submission,
        "malignant-score",
        "Malignant score, by the model: the sum of all that count as malignant",
        valueQuantity=share(finding.shown_malignant_score),
    )
    yield _observe(
        submission,
        "urgency",
        "How soon a doctor should see the lesion, by the model and the checklist",
        valueCodeableConcept=_band_concept(finding.band, submission.language),
        note=_notes(submission, *([_say_instead(replaced_by)] if replaced_by else [])),
    )
    if told := list(_list_told(submission)):
        yield _observe(
            submission,
            "told",
            "What the sender told of the person and the spot, which counts with the photo",
            by_model=False,
            component=told,
        )


def _by_picture(probability: float) -> Element:
    text = "The same by the picture alone, without what the sender told"
    code = own_concept("observations", "by-picture-alone", text)
    return {"code": code, "valueQuantity": share(probability)}


def _list_told(submission: VisibleFinding) -> Iterator[Element]:
    """Beside the place, which is the `bodySite` of every observation."""
    context, score = submission.context, submission.finding.checklist_score
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


def _likely(submission: VisibleFinding) -> Resource:
    finding, language = submission.finding, submission.language
    key = finding.likely
    if finding.uncertain:
        doubts = without_repeats(
            doubt_notice(reason).in_language(language) for reason in finding.reasons
        )
        value: dict[str, Any] = {"dataAbsentReason": absent("unknown", " ".join(doubts))}
    else:
        name = conditions_table().by_key(key).names.en
        value = {"valueCodeableConcept": own_concept("conditions", key, name)}
    # Whoever reads the likely one alone would miss the cancer that is plausible beside it.
    value["component"] = [
        {
            "code": own_concept("observations", "not-ruled-out", "Cannot be ruled out"),
            "valueCodeableConcept": own_concept(
                "conditions", item.key, conditions_table().by_key(item.key).names.en
            ),
        }
        for item in finding.headline.not_ruled_out
    ]
    return _observe(
        submission, "likely-condition", "The condition that is most likely, by the model", **value
    )


def _band_concept(band: Band, language: Language) -> Element:
    words = conditions_table().band_words(band, language)
    return own_concept("bands", band, words.doctor_label)


def _decided(submission: VisibleFinding) -> Resource:
    """Who could judge nothing by the photo has decided no urgency, though one stays in force. Where
    what counts was said of another finding of the spot, the doctor's of that; without a value where
    no doctor has answered that finding.
    """
    counting, replaced_by = counting_decision(submission), submission.replaced_by
    own, language = submission.decision, submission.language
    before: list[Decision] = [*own.earlier] if own else []
    before += [own] if own and replaced_by else []
    was_judged = any(map(_judges, before))
    if counting and _judges(counting):
        value: dict[str, Any] = {"valueCodeableConcept": _band_concept(counting.urgency, language)}
        status = "amended" if was_judged else "final"
    else:
        why = counting.band_words(language).doctor_action if counting else ""
        reason = _say_instead(replaced_by) if replaced_by else why
        value = {"dataAbsentReason": absent("temp-unknown", reason)}
        status = "amended" if replaced_by and was_judged else "preliminary"
    return _observe(
        submission,
        "decided-urgency",
        DECIDED,
        by_model=False,
        performer=[{"display": counting.decided_by}] if counting else None,
        issued=instant(submission.said_at),
        status=status,
        **value,
    )


def _judges(decision: Decision) -> bool:
    return decision.waits_for is not WaitsFor.PHOTO


def _observe(
    submission: VisibleFinding, name: str, says: str, *, by_model: bool = True, **elements: Any
) -> Resource:
    """What the model says stays preliminary: nobody signs it. A doctor's answer is an observation
    of its own.
    """
    signed = submission.decision is not None and not by_model
    version = submission.finding.model_version
    model: dict[str, Any] = {
        "method": own_concept("methods", "network", "Neural network, on the photo"),
        "device": {
            "type": "Device",
            "identifier": {"system": own_system("models"), "value": version},
            "display": version,
        },
        "note": _notes(submission),
    }
    return made(
        "Observation",
        f"{submission.number}-{name}",
        submission.changed_at,
        **{
            "status": "final" if signed else "preliminary",
            "category": [concept(coding(CATEGORIES, "imaging", "Imaging"))],
            "code": own_concept("observations", name, says),
            "subject": reference("Patient", submission.owner),
            "effectiveDateTime": instant(submission.created_at),
            "issued": instant(submission.newest.judged_at),
            "bodySite": _body_site(submission),
            "derivedFrom": [
                reference("Media", media_identifier) for media_identifier in _media_ids(submission)
            ],
            **(model if by_model else {}),
            **elements,
        },
    )


def _notes(submission: VisibleFinding, *more: str) -> list[Element]:
    notice = conditions_table().notices.information_only.in_language(submission.language)
    return [{"text": text} for text in (notice, *more)]


def _body_site(submission: VisibleFinding) -> Element:
    """The site as it was told, and the spot that the finding belongs to."""
    site, spot = submission.context.body_site, submission.lesion
    # Its spot may be at another place.
    text = f"{(site or '').replace('_', ' ')}{', as told with the photo' if spot else ''}"
    told = own_concept("body-sites", site, text) if site else {}
    if spot is None:
        return told
    belongs = {"url": OF_BODY_STRUCTURE, "valueReference": reference("BodyStructure", spot)}
    return {"extension": [belongs], **told}


def _media_ids(submission: VisibleFinding) -> list[str]:
    """The ids of the photos that are kept: with their places, as they were sent."""
    pictures = enumerate(submission.pictures, 1)
    return [f"{submission.number}-{place}" for place, picture in pictures if picture.photo_blob]


def media_of(submission: VisibleFinding, base: str) -> Iterator[Resource]:
    for identifier in _media_ids(submission):
        picture = submission.of_picture(int(identifier.rpartition("-")[2]))
        quality, modality = picture.finding.quality, picture.finding.modality
        kind = MODALITIES.get(modality.recognised if modality else Modality.UNKNOWN)
        yield made(
            "Media",
            identifier,
            submission.changed_at,
            identifier=[{"system": own_system("photos"), "value": identifier}],
            status="completed",
            type=concept(coding(MEDIA_TYPES, "image", "Image")),
            modality=concept(kind) if kind else None,
            subject=reference("Patient", submission.owner),
            createdDateTime=instant(submission.created_at),
            bodySite=_body_site(submission),
            width=quality.width,
            height=quality.height,
            content={"contentType": "image/jpeg", "url": f"{base}/Binary/{identifier}"},
        )
