"""Judges on the workers of a Dask scheduler (https://distributed.dask.org). Each worker uses its
own copy of the model, which must have the same bytes, and reads the pictures at the same path. Only
this process writes rows.
"""

import asyncio
import secrets
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from ipaddress import ip_address
from urllib.parse import urlsplit

from distributed import Client, Future, Worker, WorkerPlugin, get_worker
from distributed.scheduler import KilledWorker

from skinapi.app.batch.arguments import GO_ON, ClusterUnavailable
from skinapi.app.batch.judge import Judge, JudgeOptions, Row, open_judge, sum_model
from skinapi.base.errors import ModelDamaged, SkinAPIError
from skinapi.base.settings.settings import VERSION
from skinapi.model.network.model import SHIPPED_MODEL

CONNECT_S = 10
# About a second of work, compared with a millisecond of the scheduler for each batch.
BATCH = 16
BATCHES_PER_THREAD = 4


class JudgePlugin(WorkerPlugin):  # type: ignore[misc]
    def __init__(self, options: JudgeOptions, model_sha256: str) -> None:
        self._options = options
        # The installation path may differ on another machine.
        self._shipped = options.model == SHIPPED_MODEL
        self._model_sha256 = model_sha256
        self._software = VERSION
        self.name = f"skinapi-batch-{secrets.token_hex(8)}"
        self.judge: Judge | None = None

    async def setup(self, worker: Worker) -> None:
        """Called by Dask on the worker. Raises ClusterUnavailable if its model or files differ."""
        # In a thread, because a worker that does not answer while loading a model is considered
        # dead.
        self.judge = await asyncio.to_thread(self._open, worker.state.nthreads, worker.address)

    def _open(self, threads: int, address: str) -> Judge:
        options = replace(self._options, model=SHIPPED_MODEL) if self._shipped else self._options
        if self._software != VERSION:
            raise ClusterUnavailable(f"The worker {address} has SkinAPI {VERSION}")
        try:
            if sum_model(options.model) != self._model_sha256:
                raise ClusterUnavailable(f"The worker {address} has another model")
            return open_judge(options, threads=threads)
        except ModelDamaged as error:
            raise ClusterUnavailable(f"The worker {address}: {error.detail}") from error


def _judge_all(plugin: str, names: Sequence[bytes]) -> list[Row]:
    judge: Judge = get_worker().plugins[plugin].judge
    return judge.judge_all(names)


@dataclass(frozen=True, slots=True)
class ClusterAnswer:
    future: "Future[list[Row]]"

    def done(self) -> bool:
        return bool(self.future.done())

    def cancel(self) -> bool:
        return False

    def result(self, timeout: float | None = None) -> list[Row]:
        try:
            rows: list[Row] = self.future.result(timeout=timeout)
        except (SkinAPIError, TimeoutError):
            raise
        except KilledWorker as error:
            raise ClusterUnavailable(
                "Four workers died while they judged the same pictures, perhaps for lack of memory."
                f" What is finished is kept: {GO_ON}"
            ) from error
        except Exception as error:
            raise ClusterUnavailable(
                f"The cluster was lost. What is finished is kept: {GO_ON}"
            ) from error
        return rows


class ClusterWorkers:
    batch = BATCH

    def __init__(self, address: str, options: JudgeOptions) -> None:
        refuse_open_address(address)
        plugin = JudgePlugin(options, sum_model(options.model))
        self._plugin = plugin.name
        try:
            self._client = Client(address, timeout=CONNECT_S, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            raise ClusterUnavailable(f"No Dask scheduler answers at {address}") from error
        with ExitStack() as unless_ready:
            unless_ready.callback(self.close)
            try:
                self._client.register_plugin(plugin)
                threads = int(sum(self._client.nthreads().values()))
            except SkinAPIError:
                raise
            except Exception as error:
                raise ClusterUnavailable(
                    "A worker of the cluster cannot judge. Has it SkinAPI and this model? "
                    f"({error})"
                ) from error
            if not threads:
                raise ClusterUnavailable(f"The scheduler at {address} has no workers")
            unless_ready.pop_all()
        self.ahead = threads * BATCHES_PER_THREAD

    def submit(self, names: Sequence[bytes]) -> ClusterAnswer:
        # Not pure: a file may have changed since an earlier run.
        return ClusterAnswer(self._client.submit(_judge_all, self._plugin, names, pure=False))

    def close(self) -> None:
        with suppress(Exception):
            self._client.unregister_worker_plugin(self._plugin)
        self._client.close()


def refuse_open_address(address: str) -> None:
    parts = urlsplit(address if "://" in address else f"tcp://{address}")
    if parts.scheme == "tls" or (parts.scheme == "tcp" and _is_loopback(parts.hostname or "")):
        return
    raise ClusterUnavailable(
        "--cluster must be tls://host:port, or tcp:// on this machine; Dask's settings name the "
        "certificates (for example DASK_DISTRIBUTED__COMM__TLS__CA_FILE)"
    )


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
