"""The look has one scale: what style.css may say of sizes and colours outside its variables, and
that each of its classes is there for something.
"""

import re

from skinapi.console.routes import ASSETS

STYLE = re.sub(r"/\*.*?\*/", "", ASSETS["style.css"].content.decode(), flags=re.DOTALL)
# The variables themselves, of both themes, are the scale.
RULES = re.sub(r":root \{[^}]*\}", "", STYLE)
SPACE = re.compile(r"(?:padding|margin|gap|row-gap|column-gap)(?:-\w+)*$")
LENGTH = re.compile(r"(?<![\w.-])-?(?:\d*\.)?\d+(?:px|rem|em)\b")
COLOUR = re.compile(r"#[0-9a-f]{3,8}\b|\brgb\(|\bhsl\(|\b(?:white|black|red|gr[ae]y)\b")
# Lines and what aligns with them, thinner than the smallest step.
THIN = re.compile(r"-?[0-3](?:\.\d+)?px")
# What is not of the scale, and why.
LENGTHS = {
    "font: 700 6.5px system-ui, sans-serif": "the number in a point of the body map, in its units",
    "font-size: 11px": "a text of the operating curve, in its units",
    "margin-top: -.6em": "half a line: the number of an axis stands at its height",
}
COLOURS = {
    "background: #fff": "the edge of a compared photo, a QR code, paper: white in both themes",
    "color: #000": "print",
    "box-shadow: 0 0 0 1px #000": "the edge of a compared photo, on light and dark ones",
    "background: rgb(0 0 0 / .55)": "what lies under a dialog",
}


def declarations() -> list[tuple[str, str]]:
    found = re.findall(r"(?<![\w-])([a-z-]+)\s*:\s*([^;{}]+?)\s*(?=[;}])", RULES)
    return [(name, re.sub(r"\s+", " ", value)) for name, value in found]


def test_type_and_space_are_steps_of_the_scale() -> None:
    raw = {
        f"{name}: {value}"
        for name, value in declarations()
        if (SPACE.match(name) or name in ("font", "font-size", "border-radius"))
        # Room for a bar: as much as that is high.
        and not (name == "margin-bottom" and re.search(rf" (min-)?height: {value};", RULES))
        and any(not THIN.fullmatch(length) for length in LENGTH.findall(value))
    }
    assert raw - LENGTHS.keys() == set()
    assert LENGTHS.keys() - raw == set()


def test_colours_are_variables_that_each_theme_sets() -> None:
    raw = {f"{name}: {value}" for name, value in declarations() if COLOUR.search(value)}
    assert raw - COLOURS.keys() == set()
    assert COLOURS.keys() - raw == set()
    light, dark = (
        set(re.findall(r"(--[\w-]+): #", block))
        for block in re.findall(r":root \{[^}]*#[^}]*\}", STYLE)
    )
    assert light == dark


def test_every_class_of_the_style_is_somebodys() -> None:
    """Literally, or as the end of a name that is put together, as `band-${band}`."""
    names = (
        name
        for name in ASSETS
        if name.endswith((".js", "embed/index.html")) and not name.startswith("words")
    )
    source = "\n".join(ASSETS[name].content.decode() for name in names)
    words = set(re.findall(r"[\w-]+", source))
    beginnings = tuple(re.findall(r"([a-z]+-)\$\{", source))
    selectors = re.sub(r"\{[^{}]*\}", "{}", STYLE)
    classes = set(re.findall(r"\.([a-zA-Z][\w-]*)", re.sub("@media[^{]*", "", selectors)))
    assert len(classes) > 100
    assert {one for one in classes if one not in words and not one.startswith(beginnings)} == set()
