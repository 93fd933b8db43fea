"""How gunicorn serves: one process of many threads, graceful stop, as many addresses as BIND names.

gunicorn reads this file from the folder it starts in.
"""

import os
import shutil
import sys
import tempfile

# Before anything imports the metrics library, which looks once.
os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", tempfile.mkdtemp(prefix="skinapi-metrics-"))

from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker
from prometheus_client.multiprocess import mark_process_dead

from skinapi.settings import Settings

settings = Settings()
bind = settings.binds
workers = settings.workers
threads = settings.threads
worker_class = "gthread"
preload_app = False  # no connection may be open when the workers fork
timeout = 60
graceful_timeout = 30
keepalive = 5
accesslog = None  # the application logs requests itself, without paths or names
errorlog = "-"
control_socket_disable = True


def when_ready(_: Arbiter) -> None:
    sys.stderr.write(f"listening on {', '.join(settings.binds)}\n")


def child_exit(_: Arbiter, worker: Worker) -> None:
    mark_process_dead(worker.pid)


def on_exit(_: Arbiter) -> None:
    shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)
