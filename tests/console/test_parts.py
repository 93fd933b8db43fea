"""/console/parts shows every part of the console in both themes. What a person sees of each, its
colours, type, edges and space, is compared with `parts.txt`, whatever fonts a machine has.

Was a change of look meant? Write the file anew with `RENEW=1 pytest tests/console/test_parts.py`,
and look at its differences, and at the page.
"""

import os
import re
from pathlib import Path
from typing import Any

import pytest

from tests.console.visitor import DESKTOP, PHONE, Visitor

REFERENCE = Path(__file__).parent / "parts.txt"
# Of each element, by its tag and classes, in the light and in the dark theme.
READ_STYLES = """
const inherited = ["color", "font-size", "font-weight", "line-height", "text-align", "white-space"];
const own = {
  "background-color": "rgba(0, 0, 0, 0)", "border-radius": "0px", padding: "0px", margin: "0px",
  gap: "normal", "min-height": "0px", opacity: "1", "box-shadow": "none", display: "block",
  "text-decoration-line": "none",
};
const border = (style, side) => ["width", "style", "color"]
  .map((part) => style.getPropertyValue(`border-${side}-${part}`)).join(" ");
const read = (element, root) => {
  const [style, around] = [element, element.parentElement].map((one) => getComputedStyle(one));
  const values = {};
  for (const name of inherited)
    if (element === root || style[name] !== around[name]) values[name] = style[name];
  for (const [name, none] of Object.entries(own))
    if (![none, "auto"].includes(style[name])) values[name] = style[name];
  const sides = ["top", "right", "bottom", "left"]
    .filter((side) => !border(style, side).startsWith("0px"));
  const edges = new Set(sides.map((side) => border(style, side)));
  if (sides.length === 4 && edges.size === 1) values.border = [...edges][0];
  else for (const side of sides) values[`border-${side}`] = border(style, side);
  return [[element.localName, ...element.classList].join("."), values];
};
return [...document.querySelectorAll(".parts")]
  .map((root) => [root, ...root.querySelectorAll(":not(svg *)")].map((one) => read(one, root)));
"""


def open_parts(visitor: Visitor, size: tuple[int, int], **look: Any) -> None:
    visitor.look(size, **look)
    visitor.open("/console/parts")
    visitor.find(".parts + .parts .actions")


def describe_parts(visitor: Visitor) -> list[str]:
    """One line for each kind of element; where the themes differ, the light one's value first."""
    light, dark = visitor.run(READ_STYLES)
    lines = []
    for (name, in_light), (same_name, in_dark) in zip(light, dark, strict=True):
        assert (name, in_light.keys()) == (same_name, in_dark.keys())
        values = (
            f"{key} {in_light[key]}"
            + (f" | {in_dark[key]}" if in_dark[key] != in_light[key] else "")
            for key in in_light
        )
        lines.append(f"{name}: {'; '.join(values)}")
    hexadecimal = (re.sub(r"rgb\(([\d, ]+)\)", _hexadecimal, line) for line in sorted(set(lines)))
    return list(hexadecimal)


def _hexadecimal(colour: re.Match[str]) -> str:
    return "#" + "".join(f"{int(part):02x}" for part in colour[1].split(","))


@pytest.fixture
def parts(visitor: Visitor) -> Visitor:
    open_parts(visitor, DESKTOP)
    return visitor


def test_the_parts_look_as_was_reviewed(parts: Visitor) -> None:
    lines = describe_parts(parts)
    if os.environ.get("RENEW"):
        REFERENCE.write_text("\n".join(lines) + "\n")
    assert lines == REFERENCE.read_text().splitlines()


@pytest.mark.parametrize(
    "change",
    [
        ".primary { background: #0f5f9b !important }",
        ".card { padding: 2rem !important }",
        "main { --text-m: 1.0625rem; font-size: var(--text-m) }",
    ],
)
def test_a_change_of_look_is_seen_in_it(parts: Visitor, change: str) -> None:
    """Else the silence of the test above would say nothing. Other fonts are no change."""
    before = describe_parts(parts)
    add_rule = "document.styleSheets[0].insertRule(arguments[0], 0)"
    parts.run(add_rule, "* { font-family: serif !important }")
    assert describe_parts(parts) == before
    parts.run(add_rule, change)
    assert describe_parts(parts) != before


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_parts_are_accessible_in_both_themes(
    visitor: Visitor, dark: bool, language: str
) -> None:
    open_parts(visitor, PHONE, dark=dark, language=language)
    visitor.assert_accessible()
    visitor.assert_nothing_overflows()
    visitor.assert_quiet()
