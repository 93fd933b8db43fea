"""Packs the training and validation pictures for `train.py`: one file of WebP pictures of at most 280
pixels, a table, and the painted hairs and markings.

    python -m tests.bench.gpu_training.pack OUT --split SPLIT --normal-skin FOLDER --data SOURCE...
"""

import argparse
import hashlib
import io
import json
from pathlib import Path

import numpy as np
from PIL import Image

from skinapi.learning.data import degradation
from skinapi.learning.data.samples import Sample, label_for, open_sample
from skinapi.learning.data.sources import load_part, load_sources
from skinapi.learning.data.splits import read_split
from skinapi.learning.measure.predictions import run_model
from skinapi.vision.network.model import SHIPPED_MODEL, open_model

SIDE, LONGEST = 280, 1.25
SOURCES = ["ham10000", "isic2017", "pad_ufes_20", "milk10k", "acral", "normal_skin"]


def encode(sample: Sample, quality: int) -> tuple[bytes, list[float]]:
    """The middle of the picture, and the median colour of its corners."""
    picture = open_sample(sample).convert("RGB")
    share = min(1.0, SIDE / min(picture.size))
    if share < 1.0:
        picture = picture.resize(
            [round(one * share) for one in picture.size], Image.Resampling.LANCZOS
        )
    width, height = picture.size
    longest = round(min(picture.size) * LONGEST)
    left, top = max(0, (width - longest) // 2), max(0, (height - longest) // 2)
    picture = picture.crop((left, top, left + min(width, longest), top + min(height, longest)))
    packed = io.BytesIO()
    picture.save(packed, "WEBP", quality=quality, method=4)
    pixels, edge = np.asarray(picture, np.float32), max(4, min(picture.size) // 10)
    corners = [
        pixels[y, x].reshape(-1, 3)
        for y in (slice(edge), slice(-edge, None))
        for x in (slice(edge), slice(-edge, None))
    ]
    return packed.getvalue(), np.median(np.concatenate(corners), axis=0).tolist()


def overlay(draw, size, seed):
    """What is painted, as RGBA: from the same drawing on black and on white."""
    black, white = (
        np.asarray(draw(Image.new("RGB", size, colour), np.random.default_rng(seed)), np.float32)
        for colour in ("black", "white")
    )
    alpha = (1 - (white - black).mean(axis=2) / 255).clip(0, 1)
    colour = np.where(alpha[..., None] > 0.02, black / np.maximum(alpha, 0.02)[..., None], 0).clip(
        0, 255
    )
    return np.dstack([colour, alpha * 255]).round().astype(np.uint8)


def paint_mark(picture, random, seed):
    paint = degradation.draw_pen_ring if seed % 2 else degradation.draw_ruler
    return paint(picture, random, degradation.Marking())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--split", type=Path, required=True)
    parser.add_argument("--normal-skin", required=True)
    parser.add_argument("--data", nargs="+", required=True)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    sources = load_sources(asked.data, normal_skin=asked.normal_skin, skip_unknown_labels=True)
    parts, model = read_split(asked.split), open_model(SHIPPED_MODEL)
    samples, quality, logits = [], [], []
    for part, of_webp in (("train", 82), ("validation", 88)):
        own = label_for(load_part(sources, parts, part, cut=True, report=print), model.labels)
        samples, quality = [*samples, *own], [*quality, *[of_webp] * len(own)]
        logits.append(run_model(model, own, report=print).logits)
    rows, place = [], 0
    with (asked.out / "all.bin").open("wb") as file:
        for sample, of_webp in zip(samples, quality, strict=True):
            packed, corner = encode(sample, of_webp)
            file.write(packed)
            label = list(model.labels).index(sample.label)
            clinical = sample.modality.value == "clinical"
            rows.append(
                [
                    0,
                    place,
                    len(packed),
                    SOURCES.index(sample.source),
                    label,
                    of_webp == 88,
                    clinical,
                    *map(round, corner),
                ]
            )
            place += len(packed)
    lesions = [int(hashlib.sha1(one.lesion_key.encode()).hexdigest()[:12], 16) for one in samples]
    np.savez_compressed(
        asked.out / "index.npz",
        rows=np.array(rows, np.int64),
        logits=np.concatenate(logits),
        lesion=lesions,
    )
    hairs = [
        overlay(
            lambda p, r: degradation._draw_hairs(p, r, degradation.Degradation()), (224, 224), n
        )
        for n in range(96)
    ]
    marks = [
        overlay(lambda p, r, n=n: paint_mark(p, r, n), (350, 280), 1000 + n) for n in range(96)
    ]
    np.savez_compressed(asked.out / "overlays.npz", hairs=np.stack(hairs), marks=np.stack(marks))


if __name__ == "__main__":
    main()
