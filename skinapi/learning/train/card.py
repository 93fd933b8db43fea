"""The model card: card.json, README.md as a page for people, and the figures as text for a
terminal, from `learning/templates`. A template has one line for each paragraph, and tables as in
Markdown.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from skinapi.learning.data.samples import Sample, patient_context, skin_tone
from skinapi.learning.train.recipe import NAME, Recipe, TrainingData
from skinapi.learning.train.training import TrainingStatus
from skinapi.model.bands import OperatingPoint
from skinapi.model.calibration import (
    ENOUGH_AT_SITE,
    ENOUGH_TESTED,
    Calibration,
    ModelCalibration,
    ShareSent,
)
from skinapi.model.conditions import conditions_table
from skinapi.model.context import BodySite, Modality, SkinTone
from skinapi.model.dataset_labels import SQUAMOUS
from skinapi.model.detectors import KNOWN

README = "README.md"
NOTHING = "-"
# The titles, the line below them, and rows up to the titles of another table.
TABLE = re.compile(r"^\| .*\n\|---.*\n(?:\| .*\n(?!\|---))+", re.M)
GAPS = re.compile(r"\n{3,}")

Figures = Mapping[str, Any]
INTENDED_USE = (
    "For research and decision support. Not a medical device, and never the only basis of a "
    "decision."
)
OTHER_SOURCES = (
    "Tested on held-out pictures of the sources it was trained on. Expect worse results with other "
    "hospitals, cameras or dermoscopes."
)
ABSTENTION = (
    "No way of abstaining reliably prevents silent failures. Out-of-distribution detection and the "
    "refusal of pictures without skin reduce them."
)
PLURALS = {
    Modality.DERMOSCOPIC: "dermoscope pictures",
    Modality.CLINICAL: "phone or other ordinary photographs",
    Modality.UNKNOWN: "pictures of unknown modality",
}


def describe_training(
    recipe: Recipe, data: TrainingData, status: TrainingStatus, command: str, notes: Sequence[str]
) -> dict[str, Any]:
    return {
        "command": command,
        "recipe": recipe.for_card(),
        "notes": list(notes),
        "pictures": {
            "train": dict(Counter(sample.label for sample in data.train)),
            "validation": dict(Counter(sample.label for sample in data.validation)),
        },
        "phases": {NAME: {"best_epoch": status.best_epoch, "history": status.history}}
        if recipe.epochs
        else {},
    }


def list_sources(
    parts: Mapping[str, Sequence[Sample]], *, licences: Mapping[str, str]
) -> list[dict[str, Any]]:
    names = sorted({sample.source for samples in parts.values() for sample in samples})
    return [_describe_source(name, parts, licences.get(name)) for name in names]


def _describe_source(
    name: str, parts: Mapping[str, Sequence[Sample]], licence: str | None
) -> dict[str, Any]:
    own = {part: [s for s in samples if s.source == name] for part, samples in parts.items()}
    every = [sample for samples in own.values() for sample in samples]
    patients = any(sample.patient_id for sample in every)
    return {
        "name": name,
        "modality": sorted({sample.modality.value for sample in every}),
        "site": _only_site(every),
        "licence": licence,
        "pictures": {part: sum(s.box is None for s in samples) for part, samples in own.items()},
        "normal_skin_cut_out": {
            part: sum(s.box is not None for s in samples) for part, samples in own.items()
        },
        "lesions": {part: len({s.lesion_key for s in samples}) for part, samples in own.items()},
        "patients": {
            part: len({s.patient_id for s in samples if s.patient_id})
            for part, samples in own.items()
        }
        if patients
        else None,
    }


def _only_site(samples: Sequence[Sample]) -> BodySite | None:
    sites = {patient_context(sample).body_site for sample in samples if sample.is_lesion} - {None}
    return sites.pop() if len(sites) == 1 else None


def with_clinic_figures(calibration: ModelCalibration, card: Figures) -> ModelCalibration:
    """Add the share of malignant lesions sent at the clinic with the lowest share, among those that
    networks were trained without, and at a body site if a source has all its lesions there.
    """
    kinds = {
        kind.value: _with_clinics(calibration.for_modality(kind), kind, card)
        for kind in KNOWN
        if kind is Modality.DERMOSCOPIC or calibration.clinical is not None
    }
    return calibration.model_copy(update=kinds)


def _with_clinics(own: Calibration, kind: Modality, card: Figures) -> Calibration:
    cautious = OperatingPoint.CAUTIOUS  # the only point measured there
    elsewhere = {
        entry["source"]: row["caught"]
        for entry in card.get("left_out", ())
        if (row := _row_of(entry, kind, card)) and row["malignant"] >= ENOUGH_TESTED
    }
    sites = {}
    for name, site in ((item["name"], item.get("site")) for item in card["sources"]):
        tested = {
            OperatingPoint(point): row["caught"]
            for point, kinds in card["figures"]["test"]["points"].items()
            if (row := kinds.get(kind, {}).get("by_source", {}).get(name))
            and row["malignant"] >= ENOUGH_AT_SITE
        }
        if site and tested:
            there = {cautious: elsewhere[name]} if name in elsewhere else {}
            sites[site] = ShareSent(tested=tested, elsewhere=there)
    lowest = {cautious: min(elsewhere.values())} if elsewhere else {}
    return own.model_copy(update={"elsewhere": lowest, "sites": sites})


def _row_of(entry: Figures, kind: Modality, card: Figures) -> Figures | None:
    figures: Figures = entry["figures"]
    by_kind: Mapping[str, Figures] | None = figures.get("by_modality")
    if by_kind:
        return by_kind.get(kind)
    kinds = [item["modality"] for item in card["sources"] if item["name"] == entry["source"]]
    return figures if kinds == [[kind]] else None


def write_readable_card(folder: Path, card: Mapping[str, Any], version: str) -> None:
    page = show_markdown(render("card.j2", card=card, version=version))
    (folder / README).write_text(page, encoding="utf-8")


def describe_limits(samples: Sequence[Sample]) -> tuple[str, ...]:
    lesions = [sample for sample in samples if sample.is_lesion]
    return (
        INTENDED_USE,
        _limit_modality(lesions),
        _limit_skin(lesions),
        OTHER_SOURCES,
        _limit_calibration(lesions),
        ABSTENTION,
        _limit_classes(samples),
    )


def describe_missing_labels(labels: Sequence[str]) -> tuple[str, ...]:
    missing = [
        condition.names.en
        for condition in conditions_table().conditions
        if condition.malignant
        and conditions_table().counted_as(condition.key, labels) not in labels
    ]
    limit = (
        f"It has no output for: {', '.join(missing)}. It gives such a lesion another name, which "
        "may be a benign one."
    )
    return (limit,) if missing else ()


def _limit_modality(samples: Sequence[Sample]) -> str:
    counts = Counter(sample.modality for sample in samples)
    if set(counts) == {Modality.UNKNOWN}:
        return "It is not known how its pictures were taken, so neither modality is validated."
    if len(counts) == 1:
        (only,) = counts
        others = [PLURALS[m] for m in KNOWN if m is not only]
        return f"Trained on {PLURALS[only]} alone. Not validated on {' or on '.join(others)}."
    counted = [f"{counts[m]:,} {PLURALS[m]}" for m in Modality if counts[m]]
    few = PLURALS[min(counts, key=lambda modality: (counts[modality], modality))]
    return (
        f"Trained on {_join(counted)}; predictions for {few} and their figures rest on these few."
    )


def _limit_skin(samples: Sequence[Sample]) -> str:
    tones = Counter(map(skin_tone, samples))
    known = [f"{tone} {tones[tone]:,}" for tone in SkinTone if tones[tone]]
    counted = f" Skin tones of the training pictures, where known: {', '.join(known)}."
    return (
        f"Mostly light skin.{counted if known else ''} In the DDI study a network trained on "
        "HAM10000 had an AUC of only 0.57 on clinical photographs of Fitzpatrick types V and VI."
    )


def _limit_calibration(samples: Sequence[Sample]) -> str:
    sources = sorted({sample.source for sample in samples if sample.source})
    named = f"its sources ({', '.join(sources)})" if sources else "its data set"
    return (
        f"Probabilities and prediction sets are calibrated on the mix of classes of {named}. Your "
        "patients have another mix."
    )


def _limit_classes(samples: Sequence[Sample]) -> str:
    """A network has an output for each class, even if it was not trained on it."""
    seen = {sample.label for sample in samples}
    conditions = conditions_table().conditions
    known = [condition.names.en for condition in conditions if condition.key in seen]
    unseen = [
        condition.names.en
        for condition in conditions
        if condition.key not in seen and condition.counted_as is None
    ]
    assigned = (
        f"It was trained on {_join(known)}, and on no picture of {_join(unseen)}. What it has not "
        "seen it calls something else, which may be benign."
        if unseen
        else f"It knows {'eight' if SQUAMOUS in seen else 'seven'} classes of lesions and normal "
        "skin. It assigns any other disease to one of these."
    )
    squamous = " Squamous cell carcinoma is counted as actinic keratosis / Bowen's disease."
    within = any(sample.is_squamous and sample.label != SQUAMOUS for sample in samples)
    return assigned + (squamous if within else "")


def _join(words: Sequence[str]) -> str:
    return " and ".join((", ".join(words[:-1]), words[-1])) if len(words) > 1 else words[0]


def describe_figures(figures: Figures) -> str:
    text = TABLE.sub(lambda found: _align(found[0]), render("terminal.j2", figures=figures))
    return GAPS.sub("\n\n", text).strip("\n")


def render(template: str, **values: Any) -> str:
    return TEMPLATES.get_template(template).render(values)


def show_markdown(text: str) -> str:
    """Put blank lines between paragraphs, but not between list items or before a heading's first
    one.
    """
    apart = re.sub(r"^(?!\||## )(.+)\n", r"\1\n\n", TABLE.sub(r"\n\g<0>\n", text), flags=re.M)
    points = re.sub(r"^(- .*\n)\n+(?=- )", r"\1", apart, flags=re.M)
    return GAPS.sub("\n\n", points).strip("\n") + "\n"


def _align(table: str) -> str:
    titles, _, *rows = (line[2:-2].split(" | ") for line in table.splitlines())
    widths = [max(map(len, column)) for column in zip_longest(titles, *rows, fillvalue="")]
    padded = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in (titles, *rows))
    return "".join(f"  {row}\n" for row in padded)


def show_interval(part: Figures, name: str) -> str:
    """`0.912 [0.880-0.940]`, `-` without a figure, a count as it is."""
    value, interval = part.get(name), part.get(f"{name}_interval")
    if value is None or isinstance(value, int):
        return NOTHING if value is None else str(value)
    return f"{value:.3f}" + (f" [{interval[0]:.3f}-{interval[1]:.3f}]" if interval else "")


def show_cells(row: Figures, columns: Sequence[Sequence[str]]) -> str:
    return " | ".join(_show_cell(row, column[1]) for column in columns)


def _show_cell(row: Figures, what: str) -> str:
    """`auc`: with interval; `margin:.2f`: in this format; `caught of malignant`: of how many."""
    key, formatted, form = what.partition(":")
    if formatted:
        return NOTHING if row[key] is None else f"{row[key]:{form}}"
    key, _, counted = what.partition(" of ")
    return show_interval(row, key) + (f" of {row[counted]}" if row.get(counted) else "")


def _show_change(row: Figures, name: str) -> str:
    low, high = row[f"{name}_interval"]
    return f"{row[name]:+.3f} [{low:+.3f} {high:+.3f}]"


TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parents[1] / "templates"),
    autoescape=select_autoescape(),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.filters |= {
    "figure": show_interval,
    "cells": show_cells,
    "change": _show_change,
    "changed": lambda row, name: f"{row[name]:.3f} {_show_change(row, f'{name}_change')}",
    "words": lambda key: key.replace("_", " "),
    "counts": lambda counts: ", ".join(f"{name} {count}" for name, count in counts.items()),
    "by_source": lambda entries: {entry["source"]: entry["figures"] for entry in entries},
}
