"""Model versions that differ in classes, calibration and test figures, and whether each answer is
wholly that of the version that it names.
"""

import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from skinapi.findings.records.schemas import angular_name
from skinapi.model.finding.finding import Finding
from skinapi.model.registry.prediction_pool import PoolCaller
from tests.served.wire import Answer
from tests.support.findings import TESTED
from tests.support.models import VERSION, registry_of, tiny_model, write_model
from tests.support.photos import COLOURS

DRILL = PoolCaller("drill", signed_in=True)
ALMOST = 1e-4


def make_versions(folder: Path) -> dict[str, Path]:
    """The built-in model of the tests, one that knows fewer classes, and one that is calibrated
    otherwise.
    """
    fewer = {key: colour for key, colour in COLOURS.items() if key != "dermatofibroma"}
    little = TESTED.model_copy(update={"lesions": 700, "malignant": 150, "sensitivity": 0.9})
    other = TESTED.model_copy(update={"lesions": 800, "malignant": 170, "sensitivity": 0.8})
    return {
        VERSION: tiny_model(),
        "fewer-1": write_model(folder / "fewer-1", "fewer-1", fewer, tested=little),
        "other-1": write_model(folder / "other-1", "other-1", tested=other, temperature=3.0),
    }


@dataclass
class VersionsSeen:
    """What each version says of each photo, against what was answered."""

    expected: dict[tuple[str, bytes], dict[str, Any]]
    answered: Counter[str] = field(default_factory=Counter)
    mixed: list[str] = field(default_factory=list)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(cls, versions: dict[str, Path], photos: Iterable[bytes]) -> "VersionsSeen":
        registries = {version: registry_of(folder) for version, folder in versions.items()}
        expected = {
            (version, photo): _told(registry.classify_photo(content=photo, caller=DRILL).finding)
            for photo in photos
            for version, registry in registries.items()
        }
        seen = cls(expected)
        for (version, photo), told in expected.items():
            for another in versions.keys() - {version}:
                assert seen.differences(told, another, photo)
        return seen

    def look(self, photo: bytes, answer: Answer) -> None:
        said = answer.json
        version = said["model_version"]
        differences = self.differences(said, version, photo)
        with self._turn:
            self.answered[version] += 1
            self.mixed += [f"{version}, but the {name} of another" for name in differences]

    def differences(self, said: dict[str, Any], version: str, photo: bytes) -> list[str]:
        """The fields that are not this version's. Each version has figures of its own."""
        expected = self.expected[version, photo]
        found = [name for name in ("class", "band", "tested") if said[name] != expected[name]]
        probabilities, wanted = (_by_key(one["probabilities"]) for one in (said, expected))
        if probabilities.keys() != wanted.keys():
            found.append("class list")
        elif any(abs(probabilities[key] - wanted[key]) > ALMOST for key in wanted):
            found.append("calibration")
        return found


def _told(finding: Finding) -> dict[str, Any]:
    return {
        "class": angular_name(finding.headline.named.key),
        "band": finding.band.value,
        "tested": [tested.model_dump(mode="json") for tested in finding.tested],
        "probabilities": [ranked.model_dump() for ranked in finding.ranked],
    }


def _by_key(probabilities: list[dict[str, Any]]) -> dict[str, float]:
    return {each["key"]: each["probability"] for each in probabilities}
