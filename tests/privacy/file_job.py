"""A job's process that stores a person's file in small pieces, and kills itself where the test says
so: `kills.json` in the instance folder has a step for each attempt.
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from skinapi.app.run_job import HANDLERS
from skinapi.platform.jobs.handlers import guard_job
from skinapi.platform.storage.files import FileBlobs
from skinapi.privacy.person_file.stored_files import PersonFiles

THIRD = 3


def kill_at(step: str) -> None:
    """With the third piece: before it is noted, before it is stored, before that is noted; or
    before the file is called ready.
    """
    put, change, finish, count = FileBlobs.put_as, PersonFiles._change_own, PersonFiles.finish, 0

    def die(at: str) -> None:
        if step == at and (count == THIRD or at == "finished"):
            os.kill(os.getpid(), signal.SIGKILL)

    def changing(self: Any, file: Any, **fields: Any) -> Any:
        nonlocal count
        begins = fields.get("writing") is not None
        count += begins
        die("before" if begins else "stored")
        return change(self, file, **fields)

    def putting(self: Any, key: str, content: bytes) -> None:
        die("noted")
        put(self, key, content)

    def finishing(self: Any, *given: Any, **named: Any) -> Any:
        die("finished")
        return finish(self, *given, **named)

    PersonFiles._change_own = changing  # type: ignore[method-assign]
    PersonFiles.finish = finishing  # type: ignore[method-assign]
    FileBlobs.put_as = putting  # type: ignore[assignment, method-assign]


def main() -> int:
    (PersonFiles.__init__.__kwdefaults__ or {})["piece_bytes"] = 4_000
    plan = Path(os.environ["INSTANCE_DIR"]) / "kills.json"
    steps: list[str] = json.loads(plan.read_text())
    if steps:
        plan.write_text(json.dumps(steps[1:]))
        kill_at(steps[0])
    return guard_job(HANDLERS, memory=4 * 2**30, niceness=0)


if __name__ == "__main__":
    sys.exit(main())
