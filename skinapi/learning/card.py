"""What a model says of itself: to the software as card.json, to people as an illustrated page."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from skinapi.learning.recipe import Lessons
from skinapi.learning.splits import SPLIT
from skinapi.learning.tables import describe_figures, describe_robustness
from skinapi.learning.training import Course
from skinapi.vision.model import CALIBRATION, CARD

README = "README.md"

LIMITS = (
    "For research and decision support. Not a medical device, and never the only ground to decide.",
    "Trained on dermoscope pictures alone. Not validated on phone or other ordinary photographs.",
    (
        "Mostly light skin. In the DDI study a network trained on HAM10000 fell to AUC 0.57 on "
        "clinical photographs of Fitzpatrick types V and VI."
    ),
    "Probabilities are calibrated on its data set's mix of classes, not on anyone's patients.",
    "No way of abstaining reliably prevents silent failures: refusing strange pictures mitigates.",
    "It knows seven kinds of lesion and normal skin, and forces every other disease into these.",
)


def describe_training(
    lessons: Lessons, courses: Mapping[str, Course], command: str, notes: Sequence[str]
) -> dict[str, Any]:
    """How the network came to be, with every epoch's figures."""
    return {
        "command": command,
        "notes": list(notes),
        "teachers": lessons.teachers.versions if lessons.teachers else [],
        "pictures": {
            "train": dict(Counter(sample.label for sample in lessons.train)),
            "validation": dict(Counter(sample.label for sample in lessons.validation)),
        },
        "phases": {
            name: {"best_epoch": course.best_epoch, "history": course.history}
            for name, course in courses.items()
        },
    }


def write_readable_card(folder: Path, card: Mapping[str, Any], version: str) -> None:
    """README.md beside the model; the pictures are already there."""
    figures = card["figures"]["test"]
    primary = figures.get("one_per_lesion", figures)
    lines = [
        f"# {version}",
        "",
        (
            f"{card['architecture']}, {card['side']} x {card['side']} pixels, served at "
            f"{card['precision']}. Every number below is from `{CARD}`."
        ),
        "",
        f"**Licence.** {card['licence']}",
        "",
        "## Limits",
        *[f"- {limit}" for limit in card["limits"]],
        "",
        "## Figures",
        (
            f"Measured once on {primary['n']} lesions neither learned from nor watched: one "
            "picture of each, refused or not; 95 % intervals by bootstrap over lesions."
        ),
        "",
        "| | |",
        "|---|---|",
        f"| macro AUC | {_cell(primary, 'macro_auc')} |",
        f"| balanced accuracy | {_cell(primary, 'balanced_accuracy')} |",
        f"| expected calibration error | {_cell(primary, 'ece')} |",
        f"| the same before temperature | {primary['ece_before_temperature']:.3f} |",
        "",
        "![per class](per_class.png)",
        "",
        "![confusion](confusion.png) ![ROC](roc.png) ![reliability](reliability.png)",
        "",
        "```",
        describe_figures(figures),
        "```",
        *_bands(figures),
        *_subgroups(figures),
        *_robustness(card["figures"]["validation"]),
        *_precisions(card["figures"]),
        "## How it was trained",
        f"`{card['training']['command']}`",
        "",
        *[f"- {note}" for note in card["training"]["notes"]],
        "",
        *_history(card["training"]),
        (
            f"Temperature and thresholds (`{CALIBRATION}`) were fitted on validation alone. "
            f"`{SPLIT}` names the pictures of each part."
        ),
        "",
    ]
    (folder / README).write_text("\n".join(lines), encoding="utf-8")


def _cell(part: Mapping[str, Any], name: str) -> str:
    low, high = part[f"{name}_interval"]
    return f"{part[name]:.3f} [{low:.3f}-{high:.3f}]"


def _bands(figures: Mapping[str, Any]) -> list[str]:
    """A threshold that raises too many false alarms says so."""
    lines = ["", "## Thresholds of the risk bands"]
    lines.append("Chosen on validation lesions for a sensitivity of 0.95; on the test part:")
    for name, band in figures["bands"].items():
        lines.append(
            f"- {name.replace('_', ' ')} at {band['threshold']:.4f}: "
            f"sensitivity {band['sensitivity']:.3f}, specificity {band['specificity']:.3f}"
        )
        if band["specificity"] < 0.5:
            lines.append("  **More than half of the other lesions are caught as well.**")
    return [*lines, ""]


def _subgroups(figures: Mapping[str, Any]) -> list[str]:
    lines = [
        "## Subgroups (every test picture)",
        "| | | n | macro AUC | balanced accuracy | melanoma AUC |",
        "|---|---|---|---|---|---|",
    ]
    for name, groups in figures["subgroups"].items():
        for value, one in groups.items():
            cells = (one.get(key) for key in ("macro_auc", "balanced_accuracy", "melanoma_auc"))
            shown = " | ".join("-" if cell is None else f"{cell:.3f}" for cell in cells)
            lines.append(f"| {name} | {value} | {one['n']} | {shown} |")
    return [*lines, ""]


def _robustness(figures: Mapping[str, Any]) -> list[str]:
    """On validation, so that the test part is read once."""
    return [
        "## Under stress, and the heat maps",
        (
            "On validation lesions, at most 150 of a class. Changes of colour stand in for skin "
            "tones and cameras, and prove nothing about either. Where training spoiled its "
            "pictures, it showed light, blur, grain, compression, hairs and a tube's edge at "
            "other strengths, and of a phone's picture the parts: to such rows it is no stranger. "
            "Skin of other tones was not imitated there."
        ),
        "```",
        describe_robustness(figures),
        "```",
        "",
    ]


def _precisions(figures: Mapping[str, Any]) -> list[str]:
    rows = [
        f"- {name}: macro AUC {auc:.4f} on validation" for name, auc in figures["precision"].items()
    ]
    return ["## Precision", *rows, ""]


def _history(training: Mapping[str, Any]) -> list[str]:
    lines = [
        "| phase | epoch | loss | validation AUC | validation balanced accuracy |",
        "|---|---|---|---|---|",
    ]
    for name, phase in training["phases"].items():
        for epoch in phase["history"]:
            kept = " (best)" if epoch["epoch"] == phase["best_epoch"] else ""
            lines.append(
                f"| {name} | {epoch['epoch']:.0f}{kept} | {epoch['loss']:.3f} | "
                f"{epoch['macro_auc']:.4f} | {epoch['balanced_accuracy']:.3f} |"
            )
    return [*lines, ""]
