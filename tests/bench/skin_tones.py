"""What the refusals, and the question about skin, do to skin of each tone, and to darker and warmer
copies of light skin.

    python -m tests.bench.skin_tones --model DIR --data DIR [DIR ...] --split FILE --part validation

The pictures are those whose data set names the skin: MILK10k and PAD-UFES-20. Limits are chosen on
the train and validation parts; the test part is for one reading.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from skinapi.learning.data.degradation import Change
from skinapi.learning.data.samples import Sample, open_sample, select_part, skin_tone
from skinapi.learning.data.sources import load_sources
from skinapi.learning.data.splits import read_split
from skinapi.learning.measure.predictions import run_model, serve_outputs
from skinapi.vision.bands import log_odds
from skinapi.vision.context import SkinTone
from skinapi.vision.decoding.photo import Photo
from skinapi.vision.finding.finding import Doubt
from skinapi.vision.network.model import Model, open_model
from skinapi.vision.outline import measure_shape
from skinapi.vision.quality import measure_quality

# How much of the linear light is left of red, green and blue.
LIGHTS: Mapping[str, tuple[float, float, float]] = {
    "half the light": (0.5, 0.5, 0.5),
    "0.3 of it": (0.3, 0.3, 0.3),
    "a fifth": (0.2, 0.2, 0.2),
    "half, warm": (0.6, 0.48, 0.36),
    "a fifth, warm": (0.26, 0.19, 0.13),
}


def relit(light: tuple[float, float, float]) -> Change:
    """As if so much of each colour's light had come from the skin."""

    def change(picture: Image.Image) -> Image.Image:
        shares = np.asarray(picture.convert("RGB"), np.float32) / 255
        # https://www.w3.org/TR/css-color-4/#predefined-sRGB
        linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
        dimmed = linear * np.array(light, np.float32)
        shown = np.where(
            dimmed <= 0.0031308, dimmed * 12.92, 1.055 * np.maximum(dimmed, 0) ** (1 / 2.4) - 0.055
        )
        return Image.fromarray(np.round(shown * 255).clip(0, 255).astype(np.uint8))

    return change


def main() -> None:
    options = _options()
    model = open_model(options.model)
    sources = load_sources(options.data, skip_unknown_labels=True)
    samples = select_part(sources.samples, read_split(options.split), options.part)
    by_tone = {tone: [s for s in samples if skin_tone(s) is tone] for tone in SkinTone}
    for tone, chosen in by_tone.items():
        if chosen:
            _show(f"{tone} skin", measure(model, chosen))
    for name, light in LIGHTS.items():
        for tone in (SkinTone.LIGHT, SkinTone.DARK):
            if by_tone[tone]:
                _show(f"{tone} skin, {name}", measure(model, by_tone[tone], relit(light)))


def measure(
    model: Model, samples: Sequence[Sample], change: Change | None = None
) -> Iterator[tuple[str, str]]:
    outputs = run_model(model, samples, report=lambda _: None, change=change)
    served = serve_outputs(model, outputs)
    refused = Counter(one.refused.value for one in served if one.refused)
    asked = sum(Doubt.NOT_SURELY_SKIN in one.assessment.reasons for one in served)
    unlike = sum(Doubt.UNLIKE_TRAINING in one.assessment.reasons for one in served)
    yield "pictures", str(len(samples))
    yield "refused", ", ".join(f"{n} {why}" for why, n in sorted(refused.items())) or "none"
    yield "doubted to show skin", f"{asked} ({asked / len(samples):.1%})"
    yield "unlike the training", f"{unlike} ({unlike / len(samples):.1%})"
    if model.calibration.skin is not None:
        highest = model.calibration.skin.not_skin.probability(outputs.pooled).max()
        yield "highest log odds of not skin", f"{log_odds(float(highest)):.2f}"
    photos = [_photo(sample, change) for sample in samples]
    quality = [measure_quality(photo) for photo in photos]
    for name in ("highlights", "sharpness"):
        lowest = sorted(getattr(one, name) for one in quality)[:3]
        yield f"lowest {name}", ", ".join(f"{value:.1f}" for value in lowest)
    outlined = sum(measure_shape(photo) is not None for photo in photos)
    yield "with a clear outline", f"{outlined / len(samples):.1%}"


def _photo(sample: Sample, change: Change | None) -> Photo:
    pixels = open_sample(sample).convert("RGB")
    shown = change(pixels) if change else pixels
    return Photo(shown, shown.width, shown.height, "JPEG")


def _show(title: str, rows: Iterator[tuple[str, str]]) -> None:
    lines = [title, *(f"  {name:30} {value}" for name, value in rows)]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data", nargs="+", required=True, help="as in `train`")
    parser.add_argument("--split", type=Path, required=True)
    parser.add_argument("--part", default="validation")
    return parser.parse_args()


if __name__ == "__main__":
    main()
