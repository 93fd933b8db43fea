"""The page of the usage: its charts are words too, and no eye takes one band for another."""

import re
from datetime import timedelta
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from skinapi.admin import usage
from skinapi.console.routes import ASSETS
from skinapi.storage.ids import now
from skinapi.vision.conditions import Band
from tests.console.visitor import PHONE, Visitor
from tests.served.people import Seeder

# How colours look to eyes without one kind of cone; Machado, Oliveira, Fernandes 2009, severity 1.
EYES = {
    "all cones": np.eye(3),
    "no long ones": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "no middle ones": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "no short ones": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = XYZ.sum(axis=1)
LEAST_DIFFERENCE = 20.0  # in CIELAB; a tenth of it is the least that an eye sees
LEAST_CONTRAST = 3.0  # https://www.w3.org/TR/WCAG22/#non-text-contrast
Colour = np.ndarray[Any, np.dtype[np.float64]]


def linear(name: str, *, dark: bool) -> Colour:
    """The light of this colour of the style sheet."""
    found = re.findall(rf"--{name}: #([0-9a-f]{{6}})", ASSETS["style.css"].content.decode())
    assert len(found) == 2, name
    channels = np.array([int(found[dark][at : at + 2], 16) for at in (0, 2, 4)]) / 255
    light: Colour = np.where(
        channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4
    )
    return light


def lab(light: Colour) -> Colour:
    relative = XYZ @ light.clip(0, 1) / WHITE
    x, y, z = np.where(relative > 0.008856, np.cbrt(relative), 7.787 * relative + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("eye", EYES)
def test_no_eye_takes_one_band_for_another(eye: str, dark: bool) -> None:
    seen = {band: lab(EYES[eye] @ linear(f"fill-{band}", dark=dark)) for band in Band}
    for one, other in combinations(Band, 2):
        assert np.linalg.norm(seen[one] - seen[other]) >= LEAST_DIFFERENCE, (one, other)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_band_stands_out_from_the_sheet(dark: bool) -> None:
    sheet = XYZ[1] @ linear("sheet", dark=dark) + 0.05
    for band in Band:
        colour = XYZ[1] @ linear(f"fill-{band}", dark=dark) + 0.05
        assert max(colour, sheet) / min(colour, sheet) >= LEAST_CONTRAST, band


def test_an_admin_reads_the_usage_as_words_chart_and_table(
    visitor: Visitor, seeder: Seeder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a day on which no other test of this server counts anything."""
    then = now() - timedelta(days=5)
    monkeypatch.setattr(usage, "now", lambda: then)
    for band in (Band.URGENT_REFERRAL, Band.ROUTINE, Band.ROUTINE):
        seeder.services.data.usage.add_finding(band)
    seeder.services.data.usage.add_refused()
    visitor.look(PHONE, dark=True, language="fr")
    visitor.enter(seeder.person("admin"), "admin")
    visitor.go("usage")
    visitor.see("en tout, au plus")
    visitor.press("details.card summary")
    cells = visitor.run(
        "const cell = document.querySelector(`tbody time[datetime='${arguments[0]}']`);"
        "const row = cell.closest('tr');"
        "return [...row.querySelectorAll('td')].map((cell) => cell.textContent)",
        then.date().isoformat(),
    )
    assert cells == ["3", "1", "0", "0", "2", "0", "1", "0", "0"]
    assert visitor.run("return document.querySelectorAll('.chart .fill-urgent_referral').length")
    visitor.assert_accessible()
    visitor.assert_nothing_overflows()
    visitor.press_button("365 jours")
    visitor.see("Chaque colonne est une semaine")
    visitor.assert_quiet()
