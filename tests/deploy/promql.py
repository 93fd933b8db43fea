"""Reads the selectors of PromQL: enough for the queries of deploy/, not the whole language."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from tests.repository.documents import ROOT

PROMETHEUS = ROOT / "deploy" / "prometheus"
DASHBOARD = ROOT / "deploy" / "grafana" / "skinapi.json"
# What Prometheus itself adds to everything that it scrapes.
ADDED = {"job", "instance"}
SELECTOR = re.compile(r"\b(up\b|skinapi[_:][\w:]*)(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
GROUPING = re.compile(r"\b(?:by|on|without|ignoring)\s*\(([^)]*)\)")


@dataclass(frozen=True)
class Selector:
    """A metric, and the values that its matchers name. Values of regular expressions are apart."""

    metric: str
    labels: Mapping[str, tuple[str, ...]]


def selectors(expression: str) -> Iterator[Selector]:
    for metric, matchers in SELECTOR.findall(expression):
        named = {
            label: tuple(value.split("|")) if "~" in operator else (value,)
            for label, operator, value in MATCHER.findall(matchers)
        }
        yield Selector(metric, named)


def grouped_by(expression: str) -> set[str]:
    lists = GROUPING.findall(expression)
    return {label.strip() for named in lists for label in named.split(",")}


def rules() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for path in sorted(PROMETHEUS.glob("*.rules.yml")):
        for group in yaml.safe_load(path.read_text())["groups"]:
            found += group["rules"]
    return found


def alerts() -> list[dict[str, Any]]:
    return [rule for rule in rules() if "alert" in rule]


def queries() -> dict[str, str]:
    found = {str(n): rule["expr"] for n, rule in enumerate(rules())}
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel["targets"]:
            found[f"{panel['title']} {target['refId']}"] = target["expr"]
    return found
