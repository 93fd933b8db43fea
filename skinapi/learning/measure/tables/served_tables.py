"""The figures of what users get, as tables of text."""

from collections.abc import Mapping
from typing import Any

from skinapi.learning.measure.tables.text_tables import Block, Table, show_interval

Figures = Mapping[str, Any]


def describe_served(figures: Figures) -> list[Block]:
    """Tables of refusals, bands, recognised modalities, prediction sets, and skin."""
    lines = [
        *_describe_refusals(figures["refusals"]),
        *_describe_outcomes("these pictures", figures["gates"]),
        *_describe_caught(figures["malignant_caught"], "modality given"),
        *_describe_without_modality(figures["told_nothing"]),
        *_describe_recognition(figures["modality_recognition"]),
        *_describe_sets(figures["prediction_sets"]),
    ]
    if "scc" in figures:
        lines += _describe_scc(figures["scc"])
    if "normal_skin" in figures:
        lines += _describe_normal_skin(figures["normal_skin"])
    if "not_skin" in figures:
        lines += _describe_not_skin(figures["not_skin"])
    return lines


def _describe_refusals(refusals: Figures) -> list[Block]:
    by_group = [("all", refusals), *refusals["by_source"].items()]
    rows = [
        [source, name, str(one["n"]), str(one["refused"])]
        for source, group in by_group
        for name, one in (("all", group), *group["by_class"].items())
    ]
    why = ", ".join(f"{reason} {count}" for reason, count in refusals["by_reason"].items())
    return ["", f"refused lesions ({why or 'none'})", Table(("", "class", "n", "refused"), rows)]


def _describe_outcomes(what: str, gates: Figures) -> list[Block]:
    why = ", ".join(f"{name} {count}" for name, count in gates["outcomes"].items())
    shares = f"{gates['refused']:.1%} refused, {gates['uncertain']:.1%} uncertain"
    return ["", f"outcomes of {what}: {shares} ({why})"]


def _describe_caught(caught: Mapping[str, Figures], title: str) -> list[Block]:
    rows = [
        [
            modality,
            str(one["lesions"]),
            str(one["malignant"]),
            show_interval(one, "caught"),
            show_interval(one, "benign_below"),
        ]
        for modality, one in caught.items()
    ]
    titles = ("", "lesions", "malignant", "of these doctor_review or more", "others below it")
    return ["", f"bands, one picture per lesion, {title}", Table(titles, rows)]


def _describe_without_modality(figures: Figures) -> list[Block]:
    refusals, named = figures["refusals"], show_interval(figures, "named_balanced_accuracy")
    return [
        *_describe_caught(figures["malignant_caught"], "modality not given (told nothing)"),
        (
            f"modality not given: {refusals['refused']} of {refusals['n']} refused, balanced "
            f"accuracy by naming rule {named}"
        ),
    ]


def _describe_recognition(by_modality: Mapping[str, Figures]) -> list[Block]:
    names = ("n", "right", "wrong", "unsure")
    rows = [
        [modality, *(str(one[name]) for name in names)] for modality, one in by_modality.items()
    ]
    return ["", "modality as recognised", Table(("truth", *names), rows)] if rows else []


def _describe_sets(by_modality: Mapping[str, Mapping[str, Figures]]) -> list[Block]:
    rows = [
        [
            modality,
            level,
            name,
            str(one["n"]),
            show_interval(one, "coverage"),
            f"{one['mean_size']:.2f}",
            "too few to guarantee" if one.get("too_few") else "",
        ]
        for modality, levels in by_modality.items()
        for level, whole in levels.items()
        for name, one in (("all", whole), *whole["by_class"].items())
    ]
    titles = ("", "level", "class", "n", "coverage", "mean size", "")
    title = "prediction sets: the conditions that cannot be ruled out"
    return ["", title, Table(titles, rows)] if rows else []


def _describe_scc(scc: Figures) -> list[Block]:
    reached = show_interval(scc, "referral_or_higher")
    return [
        "",
        (
            f"squamous cell carcinoma (trained as actinic keratosis): of {scc['n']} pictures "
            f"{reached} get referral or higher, {scc['refused']} refused"
        ),
    ]


def _describe_normal_skin(healthy: Figures) -> list[Block]:
    named = [("all", healthy), *healthy["by_source"].items(), *healthy["by_modality"].items()]
    rows = [
        [
            name,
            str(one["n"]),
            show_interval(one, "recognised"),
            show_interval(one, "called_malignant"),
            str(one["refused"]),
        ]
        for name, one in named
    ]
    return [
        "",
        (
            "normal skin, over all, by source and by modality; "
            f"{show_interval(healthy, 'lesions_taken_for_it')} of the lesions are taken for it"
        ),
        Table(("", "n", "recognised", "called malignant", "refused"), rows),
    ]


def _describe_not_skin(not_skin: Figures) -> list[Block]:
    return [
        "",
        (
            f"pictures without skin: {not_skin['refused']} of {not_skin['n']} refused, "
            f"{show_interval(not_skin, 'refused_share')}; AUROC of the {not_skin['told_apart_by']} "
            f"{not_skin['auroc']:.3f}"
        ),
        *_describe_outcomes("pictures without skin", not_skin["gates"])[1:],
    ]
