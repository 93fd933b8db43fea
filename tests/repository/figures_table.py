"""The table of the shipped model's figures in the README, from its card."""

import json
from typing import Any

from skinapi.registry.gates.judging import FEWEST_LESIONS
from tests.repository.documents import ROOT

CARD = ROOT / "skinapi" / "models" / "resnet50" / "card.json"
HEAD = (
    "test pictures",
    "lesions",
    "macro AUC",
    "AUC of melanoma",
    "melanomas answered as melanoma",
    "cancers sent to a doctor",
    "other lesions not sent",
)
KINDS = {"dermoscopic": "dermoscope", "clinical": "ordinary photographs"}
SOURCES = {
    "acral": "palms and soles",
    "ham10000": "HAM10000",
    "isic2017": "ISIC 2017",
    "milk10k": "MILK10k",
    "pad_ufes_20": "PAD-UFES-20",
}


def figures_rows() -> list[tuple[str, ...]]:
    """A row for each way of taking pictures, and for each source where several were taken so."""
    card = json.loads(CARD.read_text())
    test = card["figures"]["test"]
    lesions, rows = test["one_per_lesion"], []
    for kind, figures in sorted(lesions["by_modality"].items(), reverse=True):
        sources = [
            source["name"]
            for source in card["sources"]
            if kind in source["modality"] and source["name"] in lesions["by_source"]
        ]
        named = f" ({SOURCES.get(sources[0], sources[0])})" if len(sources) == 1 else ""
        rows.append(_row(KINDS[kind] + named, figures, test["malignant_caught"].get(kind)))
        for source in sources if len(sources) > 1 else ():
            label = f"– of these {SOURCES.get(source, source)}"
            own = lesions["by_source"][source]
            of_kind = own.get("by_modality", {}).get(kind)
            rows.append(_row(label, of_kind or own, None, alone=of_kind is None))
    return rows


def _row(
    label: str, figures: dict[str, Any], caught: dict[str, Any] | None, *, alone: bool = True
) -> tuple[str, ...]:
    """`alone`: the card has the figures of each class of this group."""
    melanoma = figures["per_class"]["mel"]
    answered = f"{_figure(melanoma, 'sensitivity')} of {melanoma['n']}"
    few = f"too few: {melanoma['n']} melanomas" if melanoma["n"] < FEWEST_LESIONS else ""
    return (
        label,
        str(figures["lesions"]),
        _figure(figures, "macro_auc"),
        few or _figure(figures, "melanoma_auc"),
        (few or answered) if alone else "",
        f"{_figure(caught, 'caught')} of {caught['malignant']}" if caught else "",
        _figure(caught, "benign_below") if caught else "",
    )


def _figure(figures: dict[str, Any], name: str) -> str:
    low, high = figures[f"{name}_interval"]
    return f"{figures[name]:.3f} [{low:.3f}-{high:.3f}]"
