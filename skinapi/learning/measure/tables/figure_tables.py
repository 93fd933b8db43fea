"""The figures as tables of text."""

from collections.abc import Mapping
from typing import Any

from skinapi.learning.measure.tables.served_tables import describe_served
from skinapi.learning.measure.tables.text_tables import (
    NOTHING,
    Block,
    Table,
    show_interval,
    write_text,
)

Figures = Mapping[str, Any]
GROUP_COLUMNS = (
    "macro_auc",
    "balanced_accuracy",
    "named_balanced_accuracy",
    "ece",
    "ece_by_chance",
)
GROUP_TITLES = (
    "n",
    "lesions",
    "macro AUC",
    "balanced accuracy",
    "named",
    "ECE",
    "ECE by chance",
    "melanoma AUC",
)


def describe_figures(figures: Figures) -> str:
    """All figures of a model as plain text: over every picture, over one picture per lesion, then
    what users get.
    """
    return write_text(_list_blocks(figures))


def _list_blocks(figures: Figures) -> list[Block]:
    turned = f", mean of {figures['turns']} turned views" if figures["turns"] > 1 else ""
    lines: list[Block] = [f"model {figures['model_version']}{turned}"]
    lines += describe_part(figures, "every picture")
    if figures["dropped_classes"]:
        dropped = ", ".join(figures["dropped_classes"])
        lines.append(f"classes without a label, left out and the rest renormalised: {dropped}")
    for reason, count in figures["skipped"].items():
        lines.append(f"skipped, {reason}: {count}")
    if "one_per_lesion" in figures:
        lines += describe_part(figures["one_per_lesion"], "one picture per lesion")
    if "accepted" in figures:
        lines += describe_part(figures["accepted"], "accepted pictures only")
    lines += describe_thresholds(figures)
    lines += describe_served(figures)
    lines += describe_subgroups(figures["subgroups"])
    if "stress" in figures:
        lines += ["", *list_robustness(figures)]
    return lines


def describe_part(part: Figures, title: str) -> list[Block]:
    """The figures over these pictures, then by source and by modality."""
    counted = f"{part['n']} pictures of {part['lesions']} lesions"
    lines: list[Block] = [
        "",
        f"{title}: {counted}, {part['refused']} of which serving would refuse",
        f"  macro AUC          {show_interval(part, 'macro_auc')}",
        f"  balanced accuracy  {show_interval(part, 'balanced_accuracy')}",
        f"    by naming rule   {show_interval(part, 'named_balanced_accuracy')}",
        f"    as served        {show_interval(part, 'stated_balanced_accuracy')}",
        f"  ECE                {show_interval(part, 'ece')}",
        f"  ECE before temperature  {part['ece_before_temperature']:.3f}",
        f"  ECE by chance, if calibrated  {show_interval(part, 'ece_by_chance')}",
        (
            f"  accuracy {part['accuracy']:.3f}, by naming rule {part['named_accuracy']:.3f}; "
            f"macro F1 {part['macro_f1']:.3f}, Brier {part['brier']:.3f}"
        ),
        describe_classes(part),
    ]
    for name in ("by_source", "by_modality"):
        if name in part:
            lines += ["", f"{title}, {name.replace('_', ' ')}", *describe_groups(part[name])]
    return lines


def describe_classes(part: Figures) -> Table:
    rows = [
        [
            name,
            str(one["n"]),
            *(show_interval(one, key) for key in ("sensitivity", "specificity", "auc")),
            f"{one['named_sensitivity']:.3f}",
            f"{one['ece']:.3f}",
        ]
        for name, one in part["per_class"].items()
    ]
    titles = ("class", "n", "sensitivity", "specificity", "AUC", "named", "ECE")
    return Table(titles, rows)


def describe_groups(groups: Mapping[str, Figures]) -> list[Block]:
    """A line for each group, then lines for its classes."""
    rows = [
        [
            name,
            str(one["n"]),
            str(one["lesions"]),
            *(show_interval(one, key) for key in (*GROUP_COLUMNS, "melanoma_auc")),
        ]
        for name, one in groups.items()
    ]
    classes = [
        [name, key, str(one["n"]), show_interval(one, "auc"), show_interval(one, "sensitivity")]
        for name, group in groups.items()
        for key, one in group.get("per_class", {}).items()
    ]
    by_class = Table(("", "class", "n", "AUC", "sensitivity"), classes)
    return [Table(("", *GROUP_TITLES), rows), by_class]


def describe_thresholds(figures: Figures) -> list[Block]:
    """Thresholds of the risk bands, over all pictures and by modality; melanoma; doubt margins."""
    lines: list[Block] = [
        "",
        *(
            f"melanoma {name.replace('_', ' ')}: {value:.3f}"
            for name, value in figures["melanoma"].items()
        ),
        "",
        "thresholds of the risk bands",
    ]
    every = {"all": figures["bands"]} | {
        name: group.get("bands", {}) for name, group in figures["by_modality"].items()
    }
    rows = [
        [
            modality,
            name.replace("_", " "),
            "by modality" if band["threshold"] is None else f"{band['threshold']:.4f}",
            f"{band['sensitivity']:.3f}",
            f"{band['specificity']:.3f}",
        ]
        for modality, bands in every.items()
        for name, band in bands.items()
    ]
    lines.append(Table(("", "", "threshold", "sensitivity", "specificity"), rows))
    margins = [
        [
            f"{row['margin']:.2f}",
            *(f"{row[k]:.1%}" for k in ("uncertain", "right_if_uncertain", "right_if_certain")),
        ]
        for row in figures["doubt"]
    ]
    titles = ("two classes closer than", "of the pictures", "of these right", "of the others")
    return [*lines, Table(titles, margins)]


def describe_subgroups(subgroups: Mapping[str, Mapping[str, Figures]]) -> list[Block]:
    columns = ("macro_auc", "balanced_accuracy", "named_balanced_accuracy", "melanoma_auc")
    rows = [
        [
            "Fitzpatrick" if name == "fitzpatrick" else name.replace("_", " "),
            value,
            str(one["n"]),
            *(show_interval(one, key) for key in columns),
        ]
        for name, groups in subgroups.items()
        for value, one in groups.items()
    ]
    titles = ("", "", "n", "macro AUC", "balanced accuracy", "named", "melanoma AUC")
    return ["", "subgroups, every picture", Table(titles, rows)]


def list_robustness(figures: Figures) -> list[Block]:
    """The stress test, the shortcut test and the heat maps."""
    lines = [*_describe_stress(figures["stress"]), ""]
    if "shortcuts" in figures:
        lines += [*_describe_shortcuts(figures["shortcuts"]), ""]
    return [*lines, *_describe_saliency(figures["saliency"])]


def _describe_stress(stresses: Mapping[str, Figures]) -> list[Block]:
    first = next(iter(stresses.values()))
    rows = [
        [
            name,
            *(_with_change(row, key) for key in ("macro_auc", "balanced_accuracy")),
            f"{row['refused']:.3f}",
        ]
        for name, row in stresses.items()
    ]
    return [
        (
            f"under stress, {first['n']} pictures, one per lesion: changes with 95 % intervals, "
            "and the share that serving would refuse"
        ),
        Table(("", "macro AUC", "balanced accuracy", "refused"), rows),
    ]


def _with_change(row: Figures, name: str) -> str:
    low, high = row[f"{name}_change_interval"]
    return f"{row[name]:.3f} {row[f'{name}_change']:+.3f} [{low:+.3f} {high:+.3f}]"


def _describe_shortcuts(markings: Mapping[str, Figures]) -> list[Block]:
    """Over all sources, then within each source where there are several."""
    every = [
        (marking, source, one)
        for marking, whole in markings.items()
        for source, one in (("all", whole), *whole.get("sources", {}).items())
    ]
    shares = ("band_changed", "band_raised", "band_lowered")
    rows = [
        [
            marking,
            source,
            str(one["n"]),
            NOTHING if one["median_change"] is None else f"{one['median_change']:+.4f}",
            *(show_interval(one, name) for name in shares),
        ]
        for marking, source, one in every
    ]
    titles = ("painted on", "", "n", "malignant score, median change", "band changed")
    return [
        "shortcuts: marks painted on nevi, which must not become the answer",
        Table((*titles, "raised", "lowered"), rows),
    ]


def _describe_saliency(scores: Figures) -> list[Block]:
    lines: list[Block] = [
        (
            f"heat maps of {scores['n']} pictures: blanking the hottest tenth of the cells lowers "
            f"the stated probability by {scores['fall_hottest']:.3f}, any tenth by "
            f"{scores['fall_random']:.3f}"
        ),
    ]
    if scores["outlined"]:
        lines.append(
            f"where the lesion has a clear outline ({scores['outlined']}), "
            f"{scores['heat_inside']:.1%} of the heat lies inside, on {scores['area_inside']:.1%} "
            "of the area"
        )
    return lines
