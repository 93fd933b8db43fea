"""How much memory a process of its own gains by printing reports."""

import ctypes
import gc
import sys
from dataclasses import replace
from pathlib import Path

from skinapi.base.languages import LANGUAGES
from skinapi.findings.reports.pdf_document import render_pdf
from skinapi.findings.reports.report import Report
from tests.findings.reports.sample_reports import made_report

WARM = 30


def memory_growth_mb(builds: int) -> float:
    """Megabytes, once the first reports have made the room that all others use."""
    reports = [made_report(each, photo=photo) for each in LANGUAGES for photo in (False, True)]
    _print(reports, WARM)
    before = _resident()
    _print(reports, builds)
    return _resident() - before


def _print(reports: list[Report], count: int) -> None:
    for number in range(count):
        render_pdf(replace(reports[number % len(reports)], number=number))


def _resident() -> float:
    """After the allocator has handed back its free memory, which comes and goes by 16 MB."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


if __name__ == "__main__":
    sys.stdout.write(f"{memory_growth_mb(int(sys.argv[1]))}\n")
