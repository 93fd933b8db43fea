"""A process that sends what waits, and is killed between sending and the note of it:
`python -m tests.integrations.killed_sender FOLDER [SYSLOG_URL AUTHORITIES]`.
"""

import os
import signal
import sys
from pathlib import Path

from skinapi.notices.deliveries import Deliveries
from skinapi.storage.background import Lease
from tests.support.backends import Backend


def die(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main(folder: str, url: str | None = None, authorities: str | None = None) -> None:
    backend = Backend(
        Path(folder),
        webhook_private_ranges="127.0.0.0/8",
        syslog_url=url,
        trusted_authorities=authorities,
    )
    if url:
        Lease.renew = die  # type: ignore[assignment, method-assign]
        backend.app.background.syslog_sender.make_pass()
    else:
        Deliveries.mark_delivered = die  # type: ignore[method-assign]
        backend.app.background.delivery_sender.finish_pass()


if __name__ == "__main__":
    main(*sys.argv[1:])
