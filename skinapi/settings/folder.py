"""Opens the folder that INSTANCE_DIR names."""

import os
from pathlib import Path

from skinapi.errors import UnsafeSettings


def open_folder(folder: Path) -> None:
    """Create the folder if it is missing. Raises UnsafeSettings where nothing can be kept in it."""
    fault = "no permission to write"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        read_only = os.statvfs(folder).f_flag & os.ST_RDONLY  # the store waits for such a disk
        if read_only or os.access(folder, os.R_OK | os.W_OK | os.X_OK, effective_ids=True):
            return
    except FileExistsError:
        fault = "it is a file"
    except OSError as error:
        fault = error.strerror or fault
    raise UnsafeSettings(
        f"INSTANCE_DIR cannot be used ({fault}): name a folder in which this server may create "
        "files"
    )
