"""A process that sends what waits, and is killed between sending and the note of it:
`python -m tests.integrations.killed_sender FOLDER`.
"""

import os
import signal
import sys
from pathlib import Path

from skinapi.platform.notices.deliveries import Deliveries
from tests.support.backends import Backend


def die(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main(folder: str) -> None:
    backend = Backend(Path(folder), webhook_private_ranges="127.0.0.0/8")
    Deliveries.mark_delivered = die  # type: ignore[method-assign]
    backend.app.background.delivery_sender.finish_pass()


if __name__ == "__main__":
    main(*sys.argv[1:])
