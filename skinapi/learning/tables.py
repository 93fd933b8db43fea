"""The figures as a page of text."""

from collections.abc import Mapping
from typing import Any

Figures = Mapping[str, Any]


def describe_figures(figures: Figures) -> str:
    """The table of a model, every picture counted; then the same with one picture per lesion."""
    turned = f", mean of {figures['turns']} turned views" if figures["turns"] > 1 else ""
    lines = [f"model {figures['model_version']}{turned}"]
    lines += _describe_part(figures, "every picture")
    if figures["dropped_classes"]:
        dropped = ", ".join(figures["dropped_classes"])
        lines.append(f"classes that the labels lack, left out and the rest renormalised: {dropped}")
    for reason, count in figures["skipped"].items():
        lines.append(f"skipped, {reason}: {count}")
    if "one_per_lesion" in figures:
        lines += _describe_part(figures["one_per_lesion"], "one picture per lesion")
    if "accepted" in figures:
        lines += _describe_part(figures["accepted"], "accepted pictures only")
    if "gates" in figures:
        lines.append(_describe_gates("these pictures", figures["gates"]))
    for name, value in figures["melanoma"].items():
        lines.append(f"melanoma {name.replace('_', ' ')}: {value:.3f}")
    for name, band in figures["bands"].items():
        lines.append(
            f"band threshold {name} {band['threshold']:.4f}: "
            f"sensitivity {band['sensitivity']:.3f}, specificity {band['specificity']:.3f}"
        )
    for row in figures["doubt"]:
        lines.append(
            f"uncertain where the first two are closer than {row['margin']:.2f}: "
            f"{row['uncertain']:.1%} of the pictures, of which {row['right_if_uncertain']:.1%} "
            f"right; of the others {row['right_if_certain']:.1%}"
        )
    if "normal_skin" in figures:
        healthy = figures["normal_skin"]
        lines.append(
            f"normal skin: {healthy['recognised']:.3f} of {healthy['n']} pictures recognised; "
            f"{healthy['lesions_taken_for_it']:.3f} of the lesions taken for it"
        )
    if "not_skin" in figures:
        foreign = figures["not_skin"]
        lines.append(
            f"pictures of anything else: AUROC {foreign['auroc']:.3f} against {foreign['n']} of "
            f"them; {foreign['refused_foreign']:.3f} of them and "
            f"{foreign['refused_known']:.3f} of the known pictures below the energy of their like"
        )
        if "gates" in foreign:
            lines.append(_describe_gates("pictures of anything else", foreign["gates"]))
    if "stress" in figures:
        lines += ["", describe_robustness(figures)]
    return "\n".join(lines)


def describe_robustness(figures: Figures) -> str:
    """What worse pictures cost, and what the heat maps are worth."""
    lines = [*_describe_stress(figures["stress"]), "", *_describe_saliency(figures["saliency"])]
    return "\n".join(lines)


def _describe_stress(rows: Mapping[str, Figures]) -> list[str]:
    first = next(iter(rows.values()))
    lines = [
        (
            f"under stress, {first['n']} pictures, one per lesion: changes with 95 % intervals, "
            "and the share below the energy of their like"
        ),
        f"  {'':32} {'macro AUC':29} {'balanced accuracy':29} below",
    ]
    for name, row in rows.items():
        cells = "  ".join(_with_change(row, key) for key in ("macro_auc", "balanced_accuracy"))
        lines.append(f"  {name:32} {cells}  {row['refused']:.3f}")
    return lines


def _with_change(row: Figures, name: str) -> str:
    low, high = row[f"{name}_change_interval"]
    return f"{row[name]:.3f} {row[f'{name}_change']:+.3f} [{low:+.3f} {high:+.3f}]"


def _describe_saliency(sights: Figures) -> list[str]:
    lines = [
        (
            f"heat maps of {sights['n']} pictures: blanking the hottest tenth of the cells lowers "
            f"the stated probability by {sights['fall_hottest']:.3f}, any tenth by "
            f"{sights['fall_random']:.3f}"
        ),
    ]
    if sights["outlined"]:
        lines.append(
            f"where the lesion has a clear outline ({sights['outlined']}), "
            f"{sights['heat_inside']:.1%} of the heat lies inside, on {sights['area_inside']:.1%} "
            "of the area"
        )
    return lines


def _describe_gates(what: str, gates: Mapping[str, Any]) -> str:
    why = ", ".join(f"{name} {count}" for name, count in gates["outcomes"].items())
    shares = f"{gates['refused']:.1%} refused, {gates['uncertain']:.1%} uncertain"
    return f"at the gates, of {what}: {shares} ({why})"


def _describe_part(part: Figures, title: str) -> list[str]:
    counted = f"{part['n']} pictures of {part['lesions']} lesions"
    lines = [
        "",
        f"{title}: {counted}, {part['refused']} below the energy of their like",
        f"  macro AUC          {_with_interval(part, 'macro_auc')}",
        f"  balanced accuracy  {_with_interval(part, 'balanced_accuracy')}",
        f"  ECE                {_with_interval(part, 'ece')}",
        f"  ECE before temperature  {part['ece_before_temperature']:.3f}",
        (
            f"  accuracy {part['accuracy']:.3f}, macro F1 {part['macro_f1']:.3f}, "
            f"Brier {part['brier']:.3f}"
        ),
        f"  class      n  {'sensitivity':20}  {'specificity':20}  {'AUC':20}  ECE",
    ]
    for name, one in part["per_class"].items():
        cells = "  ".join(_with_interval(one, key) for key in ("sensitivity", "specificity", "auc"))
        lines.append(f"  {name:6} {one['n']:5}  {cells}  {one['ece']:.3f}")
    return lines


def _with_interval(part: Figures, name: str) -> str:
    low, high = part[f"{name}_interval"]
    return f"{part[name]:.3f} [{low:.3f}-{high:.3f}]"
