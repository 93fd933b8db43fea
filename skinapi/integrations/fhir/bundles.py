"""Resources together: a page of a search, all of a patient, a report as a document.

https://hl7.org/fhir/R4/bundle.html, https://hl7.org/fhir/R4/documents.html
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from urllib.parse import urlencode

from skinapi.integrations.fhir.elements import (
    LOINC,
    Element,
    Resource,
    coding,
    concept,
    instant,
    made,
    own_system,
    reference,
)
from skinapi.integrations.fhir.outcomes import outcome_of, warning
from skinapi.integrations.fhir.search import AFTER, Search
from skinapi.integrations.fhir.service import FoundPage
from skinapi.platform.storage.ids import now


def searchset(page: FoundPage, search: Search, address: str, base: str) -> Resource:
    """`meta.lastUpdated` is the moment until which the page, with those that follow, is complete.
    Whoever asks next for what was changed since then misses nothing.
    """
    links = [_link("self", address, search.used)]
    if page.following and search.count:
        links.append(_link("next", address, (*search.used, (AFTER, str(page.following)))))
    entries = [_entry(resource, base, "match") for resource in page.resources]
    if search.ignored:
        said = f"Ignored, because it is not searched by that here: {', '.join(search.ignored)}"
        entries.append({"resource": outcome_of(warning(said)), "search": {"mode": "outcome"}})
    return {
        "resourceType": "Bundle",
        "meta": {"lastUpdated": instant(page.complete_until)},
        "type": "searchset",
        "link": links,
        **({"entry": entries} if entries else {}),
    }


def write_searchset(resources: Iterable[Resource], head: Resource, base: str) -> Iterator[str]:
    """The JSON of a bundle, written while its resources are read. `head` has no entries. An error
    on the way breaks it off: then it is no JSON.
    """
    return _write(head, (_entry(resource, base, "match") for resource in resources))


def write_collection(resources: Iterable[Resource], base: str) -> Iterator[str]:
    """The same of a bundle that was not searched for."""
    head = {"resourceType": "Bundle", "type": "collection", "timestamp": instant(now())}
    return _write(head, (_entry(resource, base) for resource in resources))


def _write(head: Resource, entries: Iterable[Element]) -> Iterator[str]:
    yield json.dumps(head)[:-1] + ', "entry": ['
    for place, entry in enumerate(entries):
        yield (", " if place else "") + json.dumps(entry)
    yield "]}"


def _link(relation: str, address: str, parameters: Sequence[tuple[str, str]]) -> Element:
    query = f"?{urlencode(parameters)}" if parameters else ""
    return {"relation": relation, "url": f"{address}{query}"}


def _entry(resource: Resource, base: str, mode: str | None = None) -> Element:
    address = f"{base}/{resource['resourceType']}/{resource['id']}"
    found = {"search": {"mode": mode}} if mode else {}
    return {"fullUrl": address, "resource": resource, **found}


def document(resources: Sequence[Resource], others: Sequence[Resource], base: str) -> Resource:
    """A report, with all that it refers to, as a document. `resources` are those of its finding,
    the report first; `others` its patient and the model.
    """
    report = resources[0]
    composition = _composition(report, resources, others)
    entries = [composition, *resources, *others]
    return {
        "resourceType": "Bundle",
        "identifier": {
            "system": own_system("documents"),
            "value": f"{report['id']}-{report['meta']['versionId']}",
        },
        "type": "document",
        "timestamp": instant(now()),
        "entry": [_entry(one, base) for one in entries],
    }


def _composition(
    report: Resource, resources: Sequence[Resource], others: Sequence[Resource]
) -> Resource:
    signed = report.get("resultsInterpreter")
    devices = [one for one in others if one["resourceType"] == "Device"]
    authors = [reference("Device", one["id"]) for one in devices] or [{"display": "SkinAPI"}]
    observed = [one for one in resources if one["resourceType"] == "Observation"]
    sections = [
        {
            "title": "Report",
            "text": report["text"],
            "entry": [reference("DiagnosticReport", report["id"])],
        },
        {
            "title": "What the model says, what was measured, and what was decided",
            "entry": [reference("Observation", one["id"]) for one in observed],
        },
    ]
    return made(
        "Composition",
        report["id"],
        datetime.fromisoformat(report["meta"]["lastUpdated"]),
        status=report["status"],
        type=concept(coding(LOINC, "18748-4", "Diagnostic imaging study")),
        subject=report["subject"],
        date=report["issued"],
        author=authors,
        title="Assessment of a photo of a skin lesion",
        attester=[{"mode": "professional", "time": report["issued"], "party": signed[0]}]
        if signed
        else None,
        section=sections,
    )
