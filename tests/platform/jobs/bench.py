import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from skinapi.base.pages import PageRequest
from skinapi.platform.jobs.job import Job
from skinapi.platform.jobs.job_queue import Jobs
from skinapi.platform.storage.store_version import join_store
from skinapi.platform.stores.store_factory import make_store, open_store
from tests.served.ready_process import ReadyProcess
from tests.stores.mongod import DIE_WITH_PARENT
from tests.support.backends import SECRET, settings_in
from tests.support.size import drill
from tests.support.waiting import await_

ROOT = Path(__file__).parents[3]
ENTRY = "tests.platform.jobs.entry"
LONGEST_S = 60
T = TypeVar("T")
Worker = ReadyProcess | subprocess.Popen[bytes]


class Bench:
    def __init__(
        self, folder: Path, uri: str | None = None, *, settings: Mapping[str, str] | None = None
    ) -> None:
        self.folder, self._uri, self._settings = folder / "instance", uri, settings or {}
        given = settings_in(self.folder, mongo_uri=uri)
        make_store(given)
        self.store = open_store(given)
        join_store(self.store, secrets=given.audit_secrets())
        self.jobs = Jobs(self.store)
        self.notes = folder / "notes"
        self.notes.touch()
        self._log = folder / "worker.log"
        self._log.touch()
        self._workers: list[Worker] = []

    def __enter__(self) -> "Bench":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for worker in self._workers:
            worker.kill()
            worker.wait()
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.store.close()

    def start_worker(self, *, forked: bool = not drill, **settings: str) -> Worker:
        """Fork the worker, because importing the application is most of its start."""
        environment = {**self.environment(), **settings}
        worker = self._fork(environment) if forked else self._begin(environment)
        self._workers.append(worker)
        return worker

    def _fork(self, environment: dict[str, str]) -> ReadyProcess:
        return ReadyProcess(("-m", ENTRY), cwd=ROOT, env=environment, log=self._log)

    def _begin(self, environment: dict[str, str]) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", DIE_WITH_PARENT, sys.executable, "-m", ENTRY]
        with self._log.open("ab") as log:
            return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)

    def workers(self) -> list[int]:
        return [worker.pid for worker in self._workers]

    def environment(self) -> dict[str, str]:
        return {
            **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
            "INSTANCE_DIR": str(self.folder),
            "JWT_SECRET_KEY": SECRET,
            "PYTHONPATH": str(ROOT),
            **({"MONGO_URI": self._uri} if self._uri else {}),
            **self._settings,
        }

    def submit(self, kind: str, *, owner: str = "ada", short: bool = False, **request: Any) -> Job:
        request["notes"] = str(self.notes)
        self.open_account(owner)
        identifier = self.jobs.new_id()
        return self.jobs.add(identifier, kind=kind, owner=owner, request=request, short=short)

    def open_account(self, owner: str) -> None:
        approved = {"$set": {"status": "approved", "role": "researcher"}}
        self.store.collection("accounts").update({"id": owner}, approved, upsert=True)

    def job(self, job: Job) -> Job:
        return self.jobs.get(job.id)

    def ended(self, job: Job, *, within: float = LONGEST_S) -> Job:
        self.await_(lambda: self.job(job).ended, within=within)
        return self.job(job)

    def await_(self, what: Callable[[], T], *, within: float = LONGEST_S) -> T:
        return await_(what, within=within, told=lambda: self.worker_log() + self.told())

    def await_gone(self, *pids: int) -> None:
        """Wait, because a process that was just killed may still be ending."""
        self.await_(lambda: not {*pids} & {*self.processes()})

    def started(self, job: Job) -> int:
        return self.await_(lambda: self._noted(job, "start"))[-1]

    def await_begun(self, job: Job) -> None:
        self.await_(lambda: self.starts(job) or self.job(job).ended)

    def _noted(self, job: Job, what: str) -> list[int]:
        lines = [line.split() for line in self.notes.read_text().splitlines()]
        return [int(pid) for name, word, pid in lines if name == job.id and word == what]

    def starts(self, job: Job) -> int:
        return len(self._noted(job, "start"))

    def ends(self, job: Job) -> int:
        return len(self._noted(job, "end"))

    def overlaps(self, job: Job) -> int:
        return len(self._noted(job, "overlap"))

    def log(self, job: Job) -> list[str]:
        return [line.text for line in self.jobs.logs.lines(job.id, after=0)]

    def worker_log(self) -> str:
        return self._log.read_text()

    def told(self) -> str:
        page = self.jobs.page_jobs(owner=None, paging=PageRequest(50))
        return "\n".join(map(str, page.items))

    def folders(self) -> list[str]:
        return sorted(path.name for path in (self.folder / "jobs").glob("*"))

    def processes(self) -> list[int]:
        """All live processes of these workers and their jobs, without zombies."""
        mark, forked = f"INSTANCE_DIR={self.folder}".encode(), self.workers()
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                alive = (process / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
                marked = mark in (process / "environ").read_bytes().split(b"\0")
                if alive and (marked or int(process.name) in forked):
                    found.append(int(process.name))
        return found
