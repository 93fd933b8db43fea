from collections.abc import Iterator
from typing import Any

from skinapi.integrations.fhir.reports import resources_of
from tests.findings.reports.random_findings import Said
from tests.findings.reports.sentence_views import View, lines_of, view_of


def views_of(said: Said) -> Iterator[View]:
    reader = "patient" if said.as_owner else "doctor"
    for resource in resources_of(said.finding, "https://skin.example/fhir"):
        yield view_of(f"{reader}: FHIR {resource['resourceType']}", [*_texts(resource)])
        yield view_of(f"{reader}: FHIR codes", [*_texts(resource.get("conclusionCode"))])


def _texts(resource: Any) -> Iterator[str]:
    if isinstance(resource, dict):
        for name, value in resource.items():
            if name == "div":
                yield from lines_of(value)
            elif name not in {"conclusion", "conclusionCode"}:  # each is in `text` too
                yield from _texts(value)
    elif isinstance(resource, list):
        for item in resource:
            yield from _texts(item)
    elif isinstance(resource, str) and " " in resource and resource.endswith("."):
        yield resource
