import io
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset, dcmread

from skinapi.findings.reports.service import ReportsService
from skinapi.integrations.dicom.archive import READER
from skinapi.integrations.dicom.studies import StudiesService
from tests.support.backends import Backend


def studies_of(backend: Backend) -> StudiesService:
    no_allowances: Any = None
    container = backend.services.container
    reports = container.build(ReportsService, allowances=no_allowances)
    return container.build(StudiesService, reports=reports, clinic=None)


def objects_in_archive(backend: Backend, number: int, *there: Dataset) -> list[Dataset]:
    finding = backend.services.data.findings.find_by_number(number)
    assert finding
    studies = studies_of(backend)
    known = {item.SOPInstanceUID for item in there}
    study = replace(studies.open(finding.id, to=READER), there=known)
    files = (studies.maker().make_file(study, known) for known in study.objects)
    return [dcmread(io.BytesIO(file)) for file in files if file]


def tool(name: str, *arguments: str | Path) -> str:
    """Return the output of one of Debian's DICOM tools. Skips the test if it is not installed."""
    if shutil.which(name) is None:
        package = "dicom3tools" if name == "dciodvfy" else "dcmtk"
        pytest.skip(f"no {name} (Debian: {package})")
    done = subprocess.run([name, *map(str, arguments)], capture_output=True, check=False)
    return (done.stdout + done.stderr).decode("utf-8", "replace")


def errors_in(folder: Path, *objects: bytes | Dataset) -> list[str]:
    found = []
    for place, item in enumerate(objects):
        file = folder / f"{place}.dcm"
        if isinstance(item, bytes):
            file.write_bytes(item)
        else:
            item.save_as(file, enforce_file_format=True)
        said = tool("dciodvfy", file).splitlines()
        found += [line for line in said if line.startswith("Error")]
    return found
