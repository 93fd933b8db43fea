"""FHIR and DICOM of each finding of a spot with a random history: they say what holds of that."""

from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from skinapi.findings.records.standing import JudgedPhoto, Reader, SpotFacts, SpotView
from skinapi.findings.records.submission import NewFinding, Submission
from skinapi.findings.reports.words import say_advice
from skinapi.integrations.dicom.objects import ObjectSource, as_file
from skinapi.integrations.dicom.structured_report import make_report
from skinapi.integrations.dicom.study import Kind, ObjectId, version_of
from skinapi.integrations.fhir.reports import resources_of
from skinapi.model.conditions import Band
from skinapi.model.context import Context
from tests.findings.records.test_standing import LATER, facts, held_and_asked, without
from tests.support.access import SECTIONS
from tests.support.findings import finding_of
from tests.support.size import size

LESION = "f"
few = settings(max_examples=size(10, 150), deadline=None)  # of structured reports, which take long


def filed(photo: JudgedPhoto) -> Submission:
    new = NewFinding(
        id=photo.id,
        owner="a",
        finding=finding_of(band=photo.band),
        context=Context(),
        language="en",
        sections=dict.fromkeys(SECTIONS, "said"),
        narrative_source={"writer": "template"},
        lesion=LESION,
    )
    return new.as_submission(number=photo.number).model_copy(
        update={"created_at": photo.created_at, "changed": "0" * 32}
    )


def findings(
    known: SpotFacts, reader: Reader = Reader.PROGRAM, *, days: float = 0
) -> Iterator[Submission]:
    view = SpotView(known, reader, LATER + timedelta(days=days))
    return (filed(photo).viewed(view) for photo in known.photos)


def fhir_of(finding: Submission) -> dict[str, Any]:
    """All resources, by kind and id."""
    found = resources_of(finding, "https://skin.example/fhir")
    return {f"{one['resourceType']}/{one['id']}": one for one in found}


def structured(finding: Submission) -> tuple[str, bytes]:
    """The UID of the structured report, and what it says."""
    of = ObjectId(finding.id, Kind.STRUCTURED_REPORT, version_of(finding))
    return of.uid, as_file(make_report(ObjectSource(finding), of, []))


@settings(max_examples=size(50, 500), deadline=None)
@given(facts())
def test_each_report_of_a_spot_says_what_counts(known: SpotFacts) -> None:
    for finding in findings(known):
        read, number = fhir_of(finding), finding.number
        report = read[f"DiagnosticReport/{number}"]
        counts, replaced = finding.instruction.counts, finding.replaced_by
        if replaced:
            first = next(iter(say_advice(counts, "en", for_doctor=True)))
            told = report.get("conclusion") or unescape(report["text"]["div"].partition("<p>")[2])
            assert told.startswith(first)
            assert f"finding {counts.finding}" in told
            assert report["status"] in ("amended", "preliminary")
        decided = read.get(f"Observation/{number}-decided-urgency")
        if decided:
            assert report["result"][0]["reference"].endswith("-decided-urgency")
        if decided and (value := decided.get("valueCodeableConcept")):
            assert value["coding"][0]["code"] == counts.band
        urgencies = {
            one["valueCodeableConcept"]["coding"][0]["code"]
            for one in read.values()
            if one.get("status") in ("final", "amended")
            and one["resourceType"] == "Observation"
            and one["id"].endswith("urgency")
            and "valueCodeableConcept" in one
        }
        assert urgencies <= {counts.band}


@few
@given(facts())
def test_a_program_reads_to_the_byte_what_holds_without_what_is_held(known: SpotFacts) -> None:
    told = without(known, held_and_asked(known, LATER))
    for finding, same in zip(findings(known), findings(told), strict=True):
        assert fhir_of(finding) == fhir_of(same)
    first, other = next(findings(known)), next(findings(told))
    assert structured(first) == structured(other)


@few
@given(facts(), st.sampled_from(Band))
def test_no_object_says_something_else_under_one_uid(known: SpotFacts, band: Band) -> None:
    photo = JudgedPhoto("9", 9, band, LATER, LATER)
    more = SpotFacts((*known.photos, photo), known.reviews)
    told = [
        structured(next(findings(each, days=days)))
        for each, days in ((known, 0), (known, 1), (more, 0), (more, 1))
    ]
    assert len(dict(told)) == len({*told})
