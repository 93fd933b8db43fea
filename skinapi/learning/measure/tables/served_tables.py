"""The figures of what users get, as tables of text."""

from collections.abc import Mapping

from skinapi.learning.measure.tables.text_tables import (
    Block,
    Columns,
    Figures,
    formatted,
    share_of,
    show_interval,
    tabulate,
)

# What `measure_sent` says. "This week" is what the most urgent band tells.
SENT: Columns = {
    "malignant sent": share_of("caught", "malignant"),
    "benign spared": share_of("benign_below", "benign"),
    "benign told this week": share_of("benign_told_urgent", "benign"),
    "melanomas told this week": share_of("melanomas_told_urgent", "melanomas"),
    "of those told this week, malignant": share_of("urgent_right", "urgent"),
}


def describe_served(figures: Figures) -> list[Block]:
    """Tables of refusals, bands, recognised modalities, prediction sets, and skin."""
    lines = [
        *_describe_refusals(figures["refusals"]),
        *_describe_outcomes("these pictures", figures["gates"]),
        *_describe_sent(figures),
        *_describe_without_modality(figures["told_nothing"]),
        *_describe_recognition(figures["modality_recognition"]),
        *_describe_sets(figures["prediction_sets"]),
    ]
    if "scc" in figures:
        lines += _describe_scc(figures["scc"])
    if "normal_skin" in figures:
        lines += _describe_normal_skin(figures["normal_skin"])
    if "other_diseases" in figures:
        lines += _describe_other_diseases(figures["other_diseases"])
    if "not_skin" in figures:
        lines += _describe_not_skin(figures["not_skin"])
    return lines


def _describe_sent(figures: Figures) -> list[Block]:
    points = describe_points(figures.get("points", {}))
    return points or _describe_caught(figures["malignant_caught"], "modality given")


def _describe_refusals(refusals: Figures) -> list[Block]:
    rows = [
        (source, name, row)
        for source, group in (("all", refusals), *refusals["by_source"].items())
        for name, row in (("all", group), *group["by_class"].items())
    ]
    why = ", ".join(f"{reason} {count}" for reason, count in refusals["by_reason"].items())
    table = tabulate(("", "class"), rows, {"n": "n", "refused": "refused"})
    return ["", f"refused lesions ({why or 'none'})", table]


def _describe_outcomes(what: str, gates: Figures) -> list[Block]:
    why = ", ".join(f"{name} {count}" for name, count in gates["outcomes"].items())
    shares = f"{gates['refused']:.1%} refused, {gates['uncertain']:.1%} uncertain"
    return ["", f"outcomes of {what}: {shares} ({why})"]


def describe_points(points: Mapping[str, Mapping[str, Figures]]) -> list[Block]:
    """A row for each kind of picture, source and operating point."""
    if not points:
        return []
    kinds = dict.fromkeys(kind for by_kind in points.values() for kind in by_kind)
    rows = [
        (kind, source, point, row)
        for kind in kinds
        for source in ("", *next(iter(points.values()))[kind]["by_source"])
        for point, by_kind in points.items()
        for row in [by_kind[kind]["by_source"][source] if source else by_kind[kind]]
    ]
    heads = ("pictures", "source", "operating point")
    return [
        "",
        "what each operating point does, one picture of that kind of each lesion",
        tabulate(heads, rows, SENT),
    ]


def _describe_caught(caught: Mapping[str, Figures], title: str) -> list[Block]:
    table = tabulate(("",), caught.items(), {"lesions": "lesions", **SENT})
    return ["", f"bands, one picture per lesion, {title}", table]


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
    columns = {name: name for name in ("n", "right", "wrong", "unsure")}
    table = tabulate(("truth",), by_modality.items(), columns)
    return ["", "modality as recognised", table] if by_modality else []


def _describe_sets(by_modality: Mapping[str, Mapping[str, Figures]]) -> list[Block]:
    rows = [
        (modality, level, name, row)
        for modality, levels in by_modality.items()
        for level, whole in levels.items()
        for name, row in (("all", whole), *whole["by_class"].items())
    ]
    columns = {
        "n": "n",
        "coverage": "coverage",
        "mean size": formatted("mean_size", ".2f"),
        "": lambda row: "too few to guarantee" if row.get("too_few") else "",
    }
    title = "prediction sets: the conditions that cannot be ruled out"
    return ["", title, tabulate(("", "level", "class"), rows, columns)] if rows else []


def _describe_scc(scc: Figures) -> list[Block]:
    own = scc.get("output")
    trained = "an output of its own" if own else "trained as actinic keratosis"
    found = (
        f"; AUC {show_interval(own, 'auc')}, sensitivity {show_interval(own, 'sensitivity')}, "
        f"specificity {show_interval(own, 'specificity')}"
        if own
        else ""
    )
    return [
        "",
        (
            f"squamous cell carcinoma ({trained}): of {scc['n']} pictures "
            f"{show_interval(scc, 'sent')} are sent to a doctor, "
            f"{show_interval(scc, 'referral_or_higher')} get referral or higher, "
            f"{show_interval(scc, 'told_urgent')} are told to come this week, "
            f"{scc['refused']} refused{found}"
        ),
    ]


def _describe_normal_skin(healthy: Figures) -> list[Block]:
    rows = [("all", healthy), *healthy["by_source"].items(), *healthy["by_modality"].items()]
    columns = {
        "n": "n",
        "recognised": "recognised",
        "called malignant": "called_malignant",
        "refused": "refused",
    }
    return [
        "",
        (
            "normal skin, over all, by source and by modality; "
            f"{show_interval(healthy, 'lesions_taken_for_it')} of the lesions are taken for it"
        ),
        tabulate(("",), rows, columns),
    ]


def _describe_other_diseases(others: Figures) -> list[Block]:
    rows = [
        ("all", others),
        *((name.replace("_", " "), row) for name, row in others["by_class"].items()),
        ("lesions that the model names", others["known"]),
    ]
    columns = {
        "n": "n",
        "lesions": "lesions",
        "in doubt as unlike the training": "unlike",
        "sent to a doctor": "sent",
        "refused": "refused_share",
    }
    told_apart = f"; AUROC {others['auroc']:.3f}" if "auroc" in others else ""
    return [
        "",
        (
            "pictures of diseases that the model does not name; its doubt about such was "
            f"fitted on {others['fitted_on']} pictures{told_apart}"
        ),
        tabulate(("",), rows, columns),
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
