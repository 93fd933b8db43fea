"""The tables of the shipped model's figures in the README, from its card."""

import json
from collections.abc import Mapping
from typing import Any

from skinapi.model.bands import OperatingPoint
from tests.repository.documents import ROOT

CARD = ROOT / "skinapi" / "models" / "resnet50" / "card.json"
HEAD = (
    "test pictures",
    "lesions",
    "macro AUC",
    "AUC of melanoma",
    "melanomas answered as melanoma",
)
SENT_HEAD = (
    "test pictures",
    "cancers sent to a doctor",
    "other lesions spared that",
    "others told to come this week",
    "melanomas told so",
    "cancers among all told so",
)
# Each share, and of how many it is.
SENT = {
    "caught": "malignant",
    "benign_below": "benign",
    "benign_told_urgent": "benign",
    "melanomas_told_urgent": "melanomas",
    "urgent_right": "urgent",
}
KINDS = {"dermoscopic": "dermoscope", "clinical": "ordinary photographs"}
SOURCES = {
    "acral": "palms and soles",
    "ham10000": "HAM10000",
    "isic2017": "ISIC 2017",
    "milk10k": "MILK10k",
    "pad_ufes_20": "PAD-UFES-20",
}


Figures = dict[str, Any]
Row = tuple[str, ...]


def figures_rows() -> list[Row]:
    """What is named: a row for each way of taking pictures. The card has those of each source."""
    lesions = _test_part()["one_per_lesion"]
    return [
        _row(KINDS[kind], figures)
        for kind, figures in sorted(lesions["by_modality"].items(), reverse=True)
    ]


def sent_rows() -> list[Row]:
    """What is told at the point that is served unless a clinic chooses another. A card of older
    code has no points, and nothing of single sources.
    """
    test = _test_part()
    told = test.get("points", {}).get(OperatingPoint.CAUTIOUS.value) or test["malignant_caught"]
    rows = []
    for kind, figures in sorted(told.items(), reverse=True):
        sources = figures.get("by_source", {})
        rows.append((_label(kind, sources), *_shares(figures)))
        several = sources.items() if len(sources) > 1 else ()
        rows += [(_of_these(name), *_shares(own)) for name, own in several]
    return rows


def _test_part() -> Figures:
    figures: Figures = json.loads(CARD.read_text())["figures"]["test"]
    return figures


def _label(kind: str, sources: Mapping[str, Any]) -> str:
    only = [SOURCES.get(name, name) for name in sources] if len(sources) == 1 else []
    return KINDS[kind] + "".join(f" ({name})" for name in only)


def _of_these(source: str) -> str:
    return f"– of these {SOURCES.get(source, source)}"


def _row(label: str, figures: Figures) -> Row:
    melanoma = figures["per_class"]["mel"]
    return (
        label,
        str(figures["lesions"]),
        _figure(figures, "macro_auc"),
        _figure(figures, "melanoma_auc"),
        f"{_figure(melanoma, 'sensitivity')} of {melanoma['n']}",
    )


def _shares(figures: Figures) -> Row:
    return tuple(
        _figure(figures, name) + (f" of {figures[among]}" if among in figures else "")
        if figures.get(name) is not None
        else ""
        for name, among in SENT.items()
    )


def _figure(figures: Figures, name: str) -> str:
    low, high = figures[f"{name}_interval"]
    return f"{figures[name]:.3f} [{low:.3f}-{high:.3f}]"
