"""The figures as tables of text."""

from collections.abc import Mapping
from functools import partial

from skinapi.learning.measure.tables.served_tables import SENT, describe_served
from skinapi.learning.measure.tables.text_tables import (
    NOTHING,
    Block,
    Columns,
    Figures,
    Table,
    formatted,
    show_interval,
    tabulate,
    write_text,
)

AVERAGES = {
    "macro AUC": "macro_auc",
    "balanced accuracy": "balanced_accuracy",
    "named": "named_balanced_accuracy",
}
CALIBRATION = {"ECE": "ece", "ECE by chance": "ece_by_chance"}
MELANOMA = {"melanoma AUC": "melanoma_auc"}
SERVED = {
    "refused": "refused_share",
    "taken for the other modality": "other_modality",
}


def describe_figures(figures: Figures) -> str:
    """All figures of a model as plain text: over every picture, over one picture per lesion, then
    what users get.
    """
    turned = f", mean of {figures['turns']} turned views" if figures["turns"] > 1 else ""
    lines: list[Block] = [f"model {figures['model_version']}{turned}"]
    points = bool(figures.get("points"))
    lines += describe_part(figures, "every picture", points=points)
    if figures["dropped_classes"]:
        dropped = ", ".join(figures["dropped_classes"])
        lines.append(f"classes without a label, left out and the rest renormalised: {dropped}")
    for reason, count in figures["skipped"].items():
        lines.append(f"skipped, {reason}: {count}")
    if "one_per_lesion" in figures:
        lines += describe_part(figures["one_per_lesion"], "one picture per lesion", points=points)
    if "accepted" in figures:
        lines += describe_part(figures["accepted"], "accepted pictures only", points=points)
    lines += describe_pairs(figures.get("pairs"))
    lines += describe_thresholds(figures)
    lines += describe_served(figures)
    lines += describe_subgroups(figures["subgroups"])
    if "stress" in figures:
        lines += ["", *list_robustness(figures)]
    return write_text(lines)


def describe_part(part: Figures, title: str, *, points: bool) -> list[Block]:
    """The figures over these pictures, then by source, by modality and by skin tone. With `points`
    another table says who of the first two is sent.
    """
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
    for name in ("by_source", "by_modality", "by_skin_tone"):
        if name in part:
            sent = not points or name == "by_skin_tone"
            lines += ["", f"{title}, {name.replace('_', ' ')}"]
            lines += describe_groups(part[name], sent=sent)
    return lines


def describe_classes(part: Figures) -> Table:
    columns = {
        "n": "n",
        "sensitivity": "sensitivity",
        "specificity": "specificity",
        "AUC": "auc",
        "named": formatted("named_sensitivity", ".3f"),
        "ECE": "ece",
    }
    return tabulate(("class",), part["per_class"].items(), columns)


def describe_groups(groups: Mapping[str, Figures], *, sent: bool) -> list[Block]:
    """A line for each group, and for each modality within a source, and with `sent` one that says
    who is sent to a doctor; then lines for its classes.
    """
    rows = [
        (name, modality, figures)
        for name, group in groups.items()
        for modality, figures in (("", group), *group.get("by_modality", {}).items())
    ]
    classes = [
        (name, key, row)
        for name, group in groups.items()
        for key, row in group.get("per_class", {}).items()
    ]
    columns = {"n": "n", "lesions": "lesions", **AVERAGES, **CALIBRATION, **MELANOMA, **SERVED}
    by_class = {"n": "n", "AUC": "auc", "sensitivity": "sensitivity"}
    return [
        tabulate(("", ""), rows, columns),
        *([tabulate(("", ""), rows, SENT)] if sent else []),
        tabulate(("", "class"), classes, by_class),
    ]


def describe_pairs(pairs: Figures | None) -> list[Block]:
    """Two pictures of one lesion joined into one answer, against each picture alone."""
    if pairs is None:
        return []
    gains = pairs["gain_over"]
    columns = {
        "macro AUC": "macro_auc",
        "balanced accuracy": "balanced_accuracy",
        "ECE": "ece",
        **SENT,
    }
    changes: Columns = {
        "macro AUC": partial(_show_gain, "macro_auc"),
        "balanced accuracy": partial(_show_gain, "balanced_accuracy"),
    }
    rows = [(name, pairs[name]) for name in (*gains, "joined")]
    return [
        "",
        f"{pairs['n']} lesions with a close-up and a dermoscope picture: each alone, and joined",
        tabulate(("",), rows, columns),
        "the joined answer minus that of one picture, with paired 95 % intervals",
        tabulate(("minus",), gains.items(), changes),
    ]


def _show_gain(name: str, row: Figures) -> str:
    low, high = row[f"{name}_interval"]
    return f"{row[name]:+.3f} [{low:+.3f} {high:+.3f}]"


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
    thresholds = [
        (modality, name.replace("_", " "), band)
        for modality, bands in every.items()
        for name, band in bands.items()
    ]
    columns: Columns = {
        "threshold": _show_threshold,
        "sensitivity": "sensitivity",
        "specificity": "specificity",
    }
    margins = {
        "two classes closer than": formatted("margin", ".2f"),
        "of the pictures": formatted("uncertain", ".1%"),
        "of these right": formatted("right_if_uncertain", ".1%"),
        "of the others": formatted("right_if_certain", ".1%"),
    }
    doubts = [(row,) for row in figures["doubt"]]
    return [*lines, tabulate(("", ""), thresholds, columns), tabulate((), doubts, margins)]


def _show_threshold(band: Figures) -> str:
    return "by modality" if band["threshold"] is None else f"{band['threshold']:.4f}"


def describe_subgroups(subgroups: Mapping[str, Mapping[str, Figures]]) -> list[Block]:
    rows = [
        ("Fitzpatrick" if name == "fitzpatrick" else name.replace("_", " "), value, row)
        for name, groups in subgroups.items()
        for value, row in groups.items()
    ]
    columns = {"n": "n", **AVERAGES, **MELANOMA}
    return ["", "subgroups, every picture", tabulate(("", ""), rows, columns)]


def list_robustness(figures: Figures) -> list[Block]:
    """The stress test, the shortcut test and the heat maps."""
    lines = [*_describe_stress(figures["stress"]), ""]
    if "shortcuts" in figures:
        lines += [*_describe_shortcuts(figures["shortcuts"]), ""]
    return [*lines, *_describe_saliency(figures["saliency"])]


def _describe_stress(stresses: Mapping[str, Figures]) -> list[Block]:
    first = next(iter(stresses.values()))
    columns: Columns = {
        "macro AUC": partial(_show_change, "macro_auc"),
        "balanced accuracy": partial(_show_change, "balanced_accuracy"),
        "refused": "refused",
    }
    return [
        (
            f"under stress, {first['n']} pictures, one per lesion: changes with 95 % intervals, "
            "and the share that serving would refuse"
        ),
        tabulate(("",), stresses.items(), columns),
    ]


def _show_change(name: str, row: Figures) -> str:
    low, high = row[f"{name}_change_interval"]
    return f"{row[name]:.3f} {row[f'{name}_change']:+.3f} [{low:+.3f} {high:+.3f}]"


def _describe_shortcuts(markings: Mapping[str, Figures]) -> list[Block]:
    """Over all sources, then within each source where there are several."""
    rows = [
        (marking, source, row)
        for marking, whole in markings.items()
        for source, row in (("all", whole), *whole.get("sources", {}).items())
    ]
    columns: Columns = {
        "n": "n",
        "malignant score, median change": _show_median,
        "band changed": "band_changed",
        "raised": "band_raised",
        "lowered": "band_lowered",
    }
    return [
        "shortcuts: marks painted on nevi, which must not become the answer",
        tabulate(("painted on", ""), rows, columns),
    ]


def _show_median(row: Figures) -> str:
    return NOTHING if row["median_change"] is None else f"{row['median_change']:+.4f}"


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
