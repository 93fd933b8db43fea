"""Makes a model folder of a foreign network; network_export.py starts it.

It reads an ExportRequest from its input and writes an ExportAnswer to its output. What libraries
print goes to its error output.
"""

import os
import sys

from skinapi.base.errors import DiskFull, SkinAPIError
from skinapi.lab.trainings.import_job import REQUEST, ExportAnswer, ExportRequest
from skinapi.learning.commands.export import export_network


def answer(request: ExportRequest) -> ExportAnswer:
    """Make the folder, or say why not."""
    try:
        exported = export_network(request, request.out)
    except DiskFull:
        return ExportAnswer(disk_full=True)
    except SkinAPIError as error:
        return ExportAnswer(fault=error.detail, code=error.code)
    except MemoryError:
        return ExportAnswer(fault="The network needs more memory than a job may use")
    within = f"probabilities within {exported.difference:.1e} of Keras's"
    return ExportAnswer(lines=(within, *exported.limits))


def _main() -> None:
    os.umask(0o077)
    answers = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    request = REQUEST.validate_json(sys.stdin.buffer.read())
    os.write(answers, answer(request).model_dump_json().encode())


if __name__ == "__main__":
    _main()
