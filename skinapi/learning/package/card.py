"""The model card: facts for card.json, and README.md as an illustrated page for people.

The page follows the order of TRIPOD+AI and CLAIM: purpose and limits, data, model, results, how to
repeat the training.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from skinapi.learning.data.samples import Sample
from skinapi.learning.measure.tables.figure_tables import (
    describe_classes,
    describe_groups,
    describe_pairs,
    describe_subgroups,
    describe_thresholds,
    list_robustness,
)
from skinapi.learning.measure.tables.served_tables import describe_served
from skinapi.learning.measure.tables.text_tables import (
    NOTHING,
    Block,
    Columns,
    Figures,
    Table,
    formatted,
    show_interval,
    tabulate,
    write_markdown,
)
from skinapi.learning.train.phase_training import PhaseStatus
from skinapi.learning.train.recipe import Recipe, TrainingData
from skinapi.vision.network.model import CALIBRATION, CARD, SPLIT

README = "README.md"
SUMMARY = {
    "macro_auc": "macro AUC",
    "balanced_accuracy": "balanced accuracy of the most probable class",
    "named_balanced_accuracy": "balanced accuracy of the class that the naming rule states",
    "stated_balanced_accuracy": "balanced accuracy of the class that clients get, doubts included",
    "ece": "expected calibration error (ECE)",
    "ece_before_temperature": "ECE before temperature scaling",
    "ece_by_chance": "ECE that a perfect calibration shows by chance on so few pictures",
}


def describe_training(
    recipe: Recipe,
    data: TrainingData,
    statuses: Mapping[str, PhaseStatus],
    command: str,
    notes: Sequence[str],
) -> dict[str, Any]:
    """How the network was trained: every hyperparameter, and the metrics of every epoch."""
    return {
        "command": command,
        "recipe": asdict(recipe),
        "notes": list(notes),
        "teachers": data.teachers.versions if data.teachers else [],
        "trust": data.teachers.trust if data.teachers else None,
        "pictures": {
            "train": dict(Counter(sample.label for sample in data.train)),
            "validation": dict(Counter(sample.label for sample in data.validation)),
        },
        "phases": {
            name: {"best_epoch": status.best_epoch, "history": status.history}
            for name, status in statuses.items()
        },
    }


def list_sources(
    parts: Mapping[str, Sequence[Sample]], *, licences: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Each source's modality, licence and numbers of pictures, lesions and patients in each part.

    `patients` is None where the source does not name them.
    """
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


def write_readable_card(folder: Path, card: Mapping[str, Any], version: str) -> None:
    """Writes README.md beside the model. It links to the charts, which must be there already."""
    figures, training = card["figures"]["test"], card["training"]
    sections: dict[str, Sequence[Block]] = {
        "Limits": [f"- {limit}" for limit in card["limits"]],
        "Data": list(_list_data(card)),
        "From a picture to a finding": list(_list_rules(figures)),
        "Results": list(_list_results(figures)),
        "Sources that it did not learn from": list(_list_left_out(card.get("left_out", ()))),
        "What users get": describe_served(figures),
        "Subgroups": describe_subgroups(figures["subgroups"]),
        "Degraded pictures, painted markings, heat maps": list(_list_robustness(card["figures"])),
        "Age, sex and body site": list(_list_patient_facts(card["figures"])),
        "How it was trained": list(_list_training(training)),
    }
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
    ]
    for title, blocks in sections.items():
        if blocks:
            lines += [f"## {title}", *write_markdown(blocks)]
    (folder / README).write_text(_without_gaps(lines), encoding="utf-8")


def _without_gaps(lines: Sequence[str]) -> str:
    """Removes repeated empty lines, and empty lines between the points of a list."""
    kept = [
        line
        for before, line, after in zip(["", *lines], lines, [*lines[1:], ""], strict=False)
        if line or (before and not (before.startswith("- ") and after.startswith("- ")))
    ]
    return "\n".join(kept).rstrip("\n") + "\n"


def _list_data(card: Mapping[str, Any]) -> Iterator[Block]:
    columns: Columns = {
        "source": lambda source: source["name"] or NOTHING,
        "modality": lambda source: ", ".join(source["modality"]),
        "licence": lambda source: source["licence"] or NOTHING,
        **{key: partial(_show_parts, key) for key in ("pictures", "lesions", "patients")},
    }
    yield "Numbers of each source for training / validation / test:"
    yield tabulate((), ((source,) for source in card.get("sources", ())), columns)
    pictures = card["training"]["pictures"]
    labels = sorted({label for part in pictures.values() for label in part})
    by_class = [[label, *(str(p.get(label, 0)) for p in pictures.values())] for label in labels]
    yield Table(("class", *(f"pictures, {part}" for part in pictures)), by_class)
    yield f"`{SPLIT}` names the pictures of each part; no lesion and no known patient is in two."


def _show_parts(key: str, source: Figures) -> str:
    counts = source[key]
    return " / ".join(str(n) for n in counts.values()) if counts else "not known"


def _list_rules(figures: Figures) -> Iterator[Block]:
    """The calibration and the naming rule."""
    yield (
        f"Temperature, naming rule, thresholds and prediction sets (`{CALIBRATION}`) were fitted "
        "on validation alone."
    )
    rows = [
        [
            modality,
            f"{rule['temperature']:.3f}",
            "the most probable" if rule["tau"] is None else f"{rule['tau']:.2f}",
            ", ".join(f"{name} {share:.3f}" for name, share in rule["prior"].items()) or NOTHING,
        ]
        for modality, rule in figures["rules"].items()
    ]
    yield (
        "The naming rule states the class with the highest log p - tau * log(prior), unless that "
        "is less severe than the most probable class. In doubt it states the most severe plausible "
        "class."
    )
    yield Table(("modality", "temperature", "tau", "priors"), rows)


def _list_results(figures: Figures) -> Iterator[Block]:
    primary = figures.get("one_per_lesion", figures)
    yield (
        f"Measured once on {primary['lesions']} lesions that were used for neither training nor "
        "validation: one picture of each, refused or not. 95 % intervals are from a bootstrap over "
        "patients, or over lesions where the patient is not known; those of shares are Wilson's."
    )
    yield _summarise(primary)
    yield describe_classes(primary)
    yield "![per class](per_class.png)"
    yield "![confusion](confusion.png) ![ROC](roc.png) ![reliability](reliability.png)"
    titles = {"by_source": "source", "by_modality": "modality", "by_skin_tone": "skin tone"}
    for key, title in titles.items():
        yield f"### By {title}"
        sent = key == "by_skin_tone" or not figures.get("points")
        yield from describe_groups(primary.get(key, {}), sent=sent)
    yield from describe_pairs(figures.get("pairs"))
    yield "### Every picture of these lesions"
    yield _summarise(figures)
    yield from describe_thresholds(figures)
    few = [name for name, band in figures["bands"].items() if band["specificity"] < 0.5]
    if few:
        names = ", ".join(name.replace("_", " ") for name in few)
        yield f"**These thresholds also catch more than half of all other lesions: {names}.**"


def _list_left_out(left_out: Sequence[Mapping[str, Any]]) -> Iterator[Block]:
    if not left_out:
        return
    yield (
        "Other networks than this one: each was trained without one source, and measured on one "
        "picture of each of that source's lesions. They show how the training carries to a clinic "
        "that it has never seen."
    )
    yield from describe_groups({one["source"]: one["figures"] for one in left_out}, sent=True)
    yield from (f"- `{entry['command']}`" for entry in left_out)


def _summarise(part: Figures) -> Table:
    return Table(("", ""), [[name, show_interval(part, key)] for key, name in SUMMARY.items()])


def _list_robustness(figures: Figures) -> Iterator[Block]:
    """Measured on validation, so that the test part is read only once."""
    yield (
        "On validation lesions, at most 150 of a class. The colour changes only imitate skin tones "
        "and cameras; they prove nothing about real ones. A model that was trained on degraded "
        "pictures has seen changes of light, blur, noise, compression, hairs and a tube's edge in "
        "other strengths, so those rows are not new to it. Other skin tones were not imitated in "
        "training."
    )
    yield from list_robustness(figures["validation"])
    for name, auc in figures["precision"].items():
        yield f"- {name}: macro AUC {auc:.4f} on validation"


def _list_patient_facts(figures: Figures) -> Iterator[Block]:
    """What age, sex and site add to the log probability of each class, and how much that helps."""
    table = figures["test"].get("patient_facts")
    if not table:
        return
    rows = [
        [fact.replace("_", " "), value, ", ".join(f"{k} {v:+.2f}" for k, v in shifts.items())]
        for fact, values in table.items()
        for value, shifts in values.items()
    ]
    yield "Added to the log probabilities where the client gives the fact. It never lowers a band."
    yield Table(("", "", "added"), rows)
    gains = figures["test"]["patient_facts_gain"].items()
    yield tabulate(("source",), gains, {"the log loss falls by": "log_loss_fall"})


def _list_training(training: Mapping[str, Any]) -> Iterator[Block]:
    yield f"`{training['command']}`"
    yield from (f"- {note}" for note in training["notes"])
    rows = [
        (name, f"{row['epoch']:.0f}{' (best)' if row['epoch'] == phase['best_epoch'] else ''}", row)
        for name, phase in training["phases"].items()
        for row in phase["history"]
    ]
    columns = {
        "loss": formatted("loss", ".3f"),
        "validation AUC": formatted("macro_auc", ".4f"),
        "validation balanced accuracy": formatted("balanced_accuracy", ".3f"),
    }
    yield tabulate(("phase", "epoch"), rows, columns)
