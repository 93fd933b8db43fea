"""`python -m tests.bench.printing`: a report with pictures as large as on paper, beside the same
page with the kept photo and its overlay embedded as they are.
"""

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from skinapi.reports.pages.pictures import print_pictures
from skinapi.reports.pdf.rendering import render_pdf
from skinapi.reports.report import Pictures
from skinapi.vision.decoding.photo import read_photo, read_stored_photo, stored_photo
from skinapi.vision.drawing.overlay import draw_overlay
from tests.reports.sample_reports import HEAT, made_report
from tests.support.size import size
from tests.vision.photos import encoded, skin_with_spot

RUNS = size(15, 60)
SIDES = {"600 x 450": (600, 450), "12 MP": (4000, 3000)}


def measure_printing() -> dict[str, Any]:
    results = {}
    for name, sides in SIDES.items():
        kept = stored_photo(encoded(skin_with_spot(sides, grain=8)))
        scaled = timed(partial(print_scaled, kept))
        unscaled = timed(partial(print_unscaled, kept))
        results[name] = {
            "scaled_ms": scaled[0],
            "unscaled_ms": unscaled[0],
            "time_ratio": round(scaled[0] / unscaled[0], 2),
            "scaled_kb": scaled[1],
            "unscaled_kb": unscaled[1],
        }
    return results


def print_scaled(kept: bytes) -> bytes:
    return render_pdf(replace(REPORT, pictures=print_pictures(read_photo(kept), HEAT)))


def print_unscaled(kept: bytes) -> bytes:
    photo = read_stored_photo(kept, full=True)
    pictures = Pictures(photo=kept, overlay=draw_overlay(photo, HEAT))
    return render_pdf(replace(REPORT, pictures=pictures))


def timed(build: Callable[[], bytes]) -> tuple[float, float]:
    """Milliseconds at the median, kilobytes."""
    content = build()
    taken = []
    for _ in range(RUNS):
        began = time.perf_counter()
        build()
        taken.append(time.perf_counter() - began)
    return round(statistics.median(taken) * 1e3, 1), round(len(content) / 1e3, 1)


def table(results: dict[str, Any]) -> Iterator[str]:
    for name, figures in results.items():
        yield f"report in PDF, photo {name}: {figures['scaled_ms']} ms, {figures['scaled_kb']} kB"
        yield (
            f"  with unscaled pictures {figures['unscaled_ms']} ms, {figures['unscaled_kb']} kB: "
            f"ours takes {figures['time_ratio']} x the time"
        )


REPORT = made_report(photo=False)

if __name__ == "__main__":
    sys.stdout.write("\n".join([*table(measure_printing()), ""]))
