"""The job worker, `python -m skinapi.app.worker`. It is no command of `__main__`, so that an idle
worker imports little.
"""

import argparse
import os
import signal
import sys
from dataclasses import replace
from functools import partial

from pydantic import SecretStr

from skinapi.accounts.auth.owners import OwnerStatus
from skinapi.app.jobs import open_broker, open_jobs
from skinapi.base.errors import SkinAPIError
from skinapi.base.logs import configure_logs, shield_output
from skinapi.base.settings.safety import read_settings, refuse_unsafe
from skinapi.base.settings.settings import Settings
from skinapi.platform.jobs.attempt import Timing
from skinapi.platform.jobs.job_queue import Jobs
from skinapi.platform.jobs.job_worker import Worker
from skinapi.platform.jobs.process import die_with
from skinapi.platform.storage.ports import Store
from skinapi.platform.storage.store_version import join_store
from skinapi.platform.stores.store_factory import make_store, open_store

REFUSED = 2  # as of `__main__`
JOB_FOLDER = "jobs"


def main(*, job_program: str = "skinapi.app.run_job", timing: Timing | None = None) -> int:
    parser = argparse.ArgumentParser(prog="skinapi worker", description="run jobs from the queue")
    parser.add_argument("--parent", type=int, help="end when the process with this number ends")
    options = parser.parse_args()
    os.umask(0o077)
    try:
        return _work(read_settings(), job_program, timing, options.parent)
    except SkinAPIError as error:
        sys.stderr.writelines(f"skinapi: {text}\n" for text in error.detail.splitlines())
    return REFUSED


def _work(settings: Settings, program: str, timing: Timing | None, parent: int | None) -> int:
    shield_output()
    configure_logs()
    refuse_unsafe(settings)
    # The death of the parent is like any other request to stop: the job returns to the queue.
    if parent is not None and not die_with(parent, signal.SIGTERM):
        return 0
    if settings.mongo_uri:  # a worker may have a machine of its own
        make_store(settings)
    store = open_store(settings)
    Worker(
        store=store,
        command=[sys.executable, "-m", program],
        folder=settings.instance_dir.resolve() / JOB_FOLDER,
        timing=replace(timing or Timing(), longest=settings.job_hours * 3600),
        open_jobs=partial(_open_jobs, settings, store),
        may_work=OwnerStatus(store).may_go_on,
        hidden=_secrets(settings),
        parent=parent,
        broker=open_broker(settings),
    ).run()
    return 0


def _open_jobs(settings: Settings, store: Store) -> Jobs:
    join_store(store, secrets=settings.audit_secrets())
    return open_jobs(store, settings, lambda repository: repository(store))


def _secrets(settings: Settings) -> list[str]:
    values = [getattr(settings, name) for name in Settings.model_fields]
    given = [value.get_secret_value() for value in values if isinstance(value, SecretStr)]
    return [*given, settings.signing_key()]


if __name__ == "__main__":
    sys.exit(main())
