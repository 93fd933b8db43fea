"""The model card for people: one page of plain HTML, built from the card."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from flask import Response, render_template_string, request

from skinapi.registry.card_figures import AT_A_POINT, interval_of, list_points
from skinapi.registry.serving_pointer import TakenBack
from skinapi.vision.conditions import conditions_table
from skinapi.vision.network.model import ModelCard

PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
# A figure `f1` may have a confidence interval in the entry `f1_interval` beside it.
INTERVAL = "_interval"
POINT_TITLES = {
    "caught": "malignant sent to a doctor",
    "benign_below": "benign spared that",
    "benign_told_urgent": "benign told this week",
    "melanomas_told_urgent": "melanomas told this week",
    "urgent_right": "of those told this week, malignant",
}

PAGE = """{% macro table_of(rows) %}<table class="points"><thead><tr><th>pictures</th>
{% for title in titles %}<th>{{ title }}</th>{% endfor %}</tr></thead><tbody>
{% for row in rows %}<tr><th>{{ row.name }}</th>
{% for title, cell in row.cells.items() %}<td data-name="{{ title }}">{{ cell }}</td>
{% endfor %}</tr>{% endfor %}</tbody></table>{% endmacro %}{% macro show(value) %}
{% if value is mapping %}{% set grid = grid_of(value) %}
{% if grid %}<table class="grid"><tr><th></th>{% for name in grid.columns %}
<th>{{ words(name) }}</th>{% endfor %}</tr>
{% for name, cells in grid.rows %}<tr><th>{{ words(name) }}</th>
{% for cell in cells %}<td>{{ cell }}</td>{% endfor %}</tr>{% endfor %}</table>
{% for name, part in grid.nested %}<details><summary>{{ words(name) }}</summary>{{ show(part) }}
</details>{% endfor %}
{% else %}<table>{% for name, part in pairs_of(value) %}
<tr><th>{{ words(name) }}</th><td>{{ show(part) }}</td></tr>
{% endfor %}</table>{% endif %}
{% elif value is string or value is number or value is none %}{{ cell(value) }}
{% elif value and value[0] is mapping %}<table class="grid">
<tr>{% for name in value[0] %}<th>{{ words(name) }}</th>{% endfor %}</tr>
{% for row in value %}<tr>{% for part in row.values() %}<td>{{ show(part) }}</td>
{% endfor %}</tr>{% endfor %}</table>
{% else %}{% for part in value %}{{ show(part) }}{{ ", " if not loop.last }}{% endfor %}
{% endif %}{% endmacro %}<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{{ card.version }} · model card</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1.5rem;
         color: #1a2430; background: #fff }
  h2 { margin-top: 2rem; border-bottom: 2px solid #dde4ea }
  .notice { background: #fff6df; padding: .6rem .8rem }
  table { border-collapse: collapse }
  td, th { text-align: left; padding: .15rem .8rem .15rem 0; vertical-align: top;
           font-weight: 400 }
  th { color: #5a6875 }
  .grid { font-size: .85rem; display: block; overflow-x: auto }
  .grid td, .grid th { border-bottom: 1px solid #edf1f4; white-space: nowrap }
  details { margin: .3rem 0 }
  .points { font-size: .85rem } .points th { color: inherit }
  .points td, .points th { border-bottom: 1px solid #edf1f4; padding: .3rem .8rem .3rem 0 }
  @media (max-width: 48rem) {
    .points thead { display: none }
    .points, .points tbody, .points tr, .points th, .points td { display: block; border: 0 }
    .points tr { border-bottom: 1px solid #dde4ea; padding: .4rem 0 }
    .points th, .points td { padding: 0 } .points tr th { font-weight: 600; font-size: 1rem }
    .points td::before { content: attr(data-name) ": "; color: #5a6875 }
  }
</style>
</head>
<body>
<h1>{{ card.version }}</h1>
<p class="notice">{{ notice }}</p>
<p>{{ card.architecture }}, {{ card.side }} × {{ card.side }} pixels, served at
{{ card.precision.value }}. <strong>Licence.</strong> {{ card.licence }}</p>
<h2>Limits</h2>
<ul>{% for limit in card.limits %}<li>{{ limit }}</li>{% endfor %}
{% for one in taken_back %}<li>{{ one.version }} was made with {{ one.pictures }} pictures of
patients of this server. {% if one.erased is none %}Their data set was deleted since.{% else %}Of
these {{ one.erased }} were taken back since: their owners withdrew the consent, or deleted them.
The model stays as it is.{% endif %}</li>{% endfor %}</ul>
{% if points %}<h2>What each operating point does</h2>
<p>One picture of that kind of each lesion of the test part. In brackets 95 % intervals.
&ldquo;This week&rdquo; is what the most urgent band tells.</p>
{{ table_of(points | rejectattr("source")) }}
<details><summary>By source</summary>{{ table_of(points | selectattr("source")) }}</details>
{% endif %}<h2>Figures</h2>
{{ show(figures) }}
{% for name, part in more.items() %}
<h2>{{ words(name) | capitalize }}</h2>
<details><summary>Show</summary>{{ show(part) }}</details>
{% endfor %}
</body>
</html>
"""


def answer_card(card: ModelCard, taken_back: Sequence[TakenBack] = ()) -> dict[str, Any] | Response:
    """The card as JSON, or as a page for a browser; with what was taken back since it was made."""
    if request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html":
        page = Response(card_page(card, taken_back), mimetype="text/html")
        page.headers["Content-Security-Policy"] = PAGE_POLICY
        return page
    told = {"taken_back": [asdict(one) for one in taken_back]} if taken_back else {}
    return {**card.model_dump(mode="json"), **told}


def card_page(card: ModelCard, taken_back: Sequence[TakenBack] = ()) -> str:
    """The page of this card; it loads nothing from another host."""
    return render_template_string(
        PAGE,
        card=card,
        taken_back=taken_back,
        points=_operating_points(card),
        titles=[*POINT_TITLES.values()],
        figures=_without_points(card),
        more=card.model_extra or {},  # the sections that not every card has
        notice=conditions_table().notices.information_only.en,
        cell=_cell,
        words=_words,
        grid_of=_grid_of,
        pairs_of=_pairs_of,
    )


@dataclass(frozen=True, slots=True)
class PointRow:
    """What an operating point does for one kind of picture, of one source or all of them."""

    name: str
    source: str
    cells: Mapping[str, str]


def _operating_points(card: ModelCard) -> list[PointRow]:
    return [
        PointRow(
            name=" · ".join(map(_words, filter(None, (kind, source, point)))),
            source=source,
            cells={title: _show_share(row, name) for name, title in POINT_TITLES.items()},
        )
        for kind, source, point, row in list_points(card.figures.get("test"))
    ]


def _show_share(row: Mapping[str, Any], name: str) -> str:
    share, among = dict(_pairs_of(row)).get(name), row.get(AT_A_POINT[name])
    return _cell(share) + (f" of {among}" if isinstance(among, int) and among else "")


def _without_points(card: ModelCard) -> Mapping[str, Any]:
    """The figures that are shown as they stand."""
    test = card.figures.get("test")
    if not isinstance(test, Mapping):
        return card.figures
    return {**card.figures, "test": {name: test[name] for name in test if name != "points"}}


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of several parts with the same figures: one row per part. Values that are nested
    deeper are shown below the table.
    """

    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[str]]]
    nested: Sequence[tuple[str, Any]]


def _grid_of(value: Mapping[str, Any]) -> Grid | None:
    """The parts of this value as one table; None where not every part is a mapping."""
    if len(value) < 2 or not all(isinstance(part, Mapping) for part in value.values()):
        return None
    plain = {name: _show_plain(part) for name, part in value.items()}
    columns = tuple(dict.fromkeys(column for cells in plain.values() for column in cells))
    deeper = {
        name: {key: inner for key, inner in part.items() if isinstance(inner, Mapping) and inner}
        for name, part in value.items()
    }
    if not columns:
        return None
    nothing = _cell(None)
    return Grid(
        columns=columns,
        rows=[(name, [cells.get(c, nothing) for c in columns]) for name, cells in plain.items()],
        nested=[(name, parts) for name, parts in deeper.items() if parts],
    )


def _show_plain(part: Mapping[str, Any]) -> dict[str, str]:
    """The values that fit into a table cell: texts, numbers, and lists of them."""
    shown = {}
    for name, value in _pairs_of(part):
        if isinstance(value, list | tuple):
            if not any(isinstance(one, list | Mapping) for one in value):
                shown[name] = ", ".join(map(_cell, value))
        elif not isinstance(value, Mapping):
            shown[name] = _cell(value)
    return shown


def _pairs_of(value: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The entries of a mapping, each figure together with its interval: `0.912 [0.880–0.940]`."""
    pairs = []
    for name, part in value.items():
        interval = interval_of(value, name)
        if interval:
            pairs.append((name, f"{part:.3f} [{interval[0]:.3f}–{interval[1]:.3f}]"))
        elif not (name.endswith(INTERVAL) and interval_of(value, name.removesuffix(INTERVAL))):
            pairs.append((name, part))
    return pairs


def _words(name: str) -> str:
    return name.replace("_", " ")


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return "–" if value is None else str(value)
