"""Loads the PDF renderer with ReportLab for the first PDF of a process."""

import importlib
import re

from skinapi.reports.report import Report

# Part of a report's hash: if the layout changes, the report gets another hash.
RENDERER = "pages-8"
MODULE = "skinapi.reports.pdf.rendering"
PAGE = re.compile(rb"/Type /Page\b")


def print_pdf(report: Report) -> bytes:
    """The report as PDF on A4. Equal reports give equal bytes."""
    # Imported late: the start of a server does without ReportLab and its fonts.
    pdf: bytes = importlib.import_module(MODULE).render_pdf(report)
    return pdf


def count_pages(pdf: bytes) -> int:
    """Of a PDF of `print_pdf`, which packs none of its objects."""
    return len(PAGE.findall(pdf))
