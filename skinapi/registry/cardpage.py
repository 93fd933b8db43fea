"""The model card for people: one page of plain HTML from the card itself."""

from collections.abc import Mapping
from typing import Any

from flask import render_template_string

from skinapi.vision.conditions import conditions_table
from skinapi.vision.model import ModelCard

PAGE = """{% macro show(value) %}
{% if value is mapping %}<table>{% for name, part in value.items() %}
<tr><th>{{ name | replace("_", " ") }}</th><td>{{ show(part) }}</td></tr>
{% endfor %}</table>
{% elif value is string or value is number or value is none %}{{ cell(value) }}
{% elif value and value[0] is mapping %}<table>
<tr>{% for name in value[0] %}<th>{{ name | replace("_", " ") }}</th>{% endfor %}</tr>
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
</style>
</head>
<body>
<h1>{{ card.version }}</h1>
<p class="notice">{{ notice }}</p>
<p>{{ card.architecture }}, {{ card.side }} × {{ card.side }} pixels, served at
{{ card.precision.value }}. <strong>Licence.</strong> {{ card.licence }}</p>
<h2>Limits</h2>
<ul>{% for limit in card.limits %}<li>{{ limit }}</li>{% endfor %}</ul>
<h2>Figures</h2>
{{ show(card.figures) }}
{% for name, part in more.items() %}
<h2>{{ name | replace("_", " ") | capitalize }}</h2>
<details><summary>Show</summary>{{ show(part) }}</details>
{% endfor %}
</body>
</html>
"""


def card_page(card: ModelCard) -> str:
    return render_template_string(
        PAGE,
        card=card,
        more=_more(card),
        notice=conditions_table().notices.information_only.en,
        cell=_cell,
    )


def _more(card: ModelCard) -> Mapping[str, Any]:
    """What this card tells beyond what every card must."""
    return card.model_extra or {}


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return "–" if value is None else str(value)
