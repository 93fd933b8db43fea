"""Every interleaving of a few actors over one store, one store call at a time."""

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from typing import Any, TypeVar, cast

from skinapi.errors import SkinAPIError
from skinapi.storage.ports import Blobs, Documents, Snapshot, Store

Act = Callable[[], object]
RunOrder = Callable[[Sequence[int]], list[tuple[int, int]]]
_here = threading.local()
T = TypeVar("T")


class Actor:
    """Somebody who stops before each store call until told to go on."""

    def __init__(self, act: Act) -> None:
        self._go = threading.Semaphore(0)
        self._stopped = threading.Semaphore(0)
        self.done = False
        self._thread = threading.Thread(target=self._run, args=(act,), daemon=True)
        self._thread.start()
        self._stopped.acquire()

    def step(self) -> None:
        self._go.release()
        self._stopped.acquire()

    def stop(self) -> None:
        self._stopped.release()
        self._go.acquire()

    def _run(self, act: Act) -> None:
        _here.actor = self
        with suppress(SkinAPIError):
            act()
        self.done = True
        self._stopped.release()


class SteppedStore:
    """A store whose every call waits for the actor's turn."""

    blobs: Blobs

    def __init__(self, store: Store) -> None:
        self._store = store
        self.blobs = store.blobs

    def collection(self, name: str) -> Documents:
        return cast("Documents", _Stepped(self._store.collection(name)))

    def collections(self) -> list[str]:
        return self._store.collections()

    @property
    def one_writer(self) -> bool:
        return self._store.one_writer

    def transaction(self, act: Callable[[], T]) -> T:
        """One call at a time, as on a store without transactions."""
        return act()

    def snapshot(self) -> AbstractContextManager[Snapshot]:
        return self._store.snapshot()

    def ping(self) -> None:
        self._store.ping()

    def close(self) -> None:
        self._store.close()


class _Stepped:
    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._documents, name)

        def call(*arguments: Any, **options: Any) -> Any:
            actor = getattr(_here, "actor", None)
            if actor:
                actor.stop()
            return method(*arguments, **options)

        return call


def run(acts: Sequence[Act], choices: Sequence[int], after_each: Act) -> list[tuple[int, int]]:
    """Let the actors go on in this order, then one after the other; what was chosen of how many."""
    actors = [Actor(act) for act in acts]
    taken: list[tuple[int, int]] = []
    while live := [actor for actor in actors if not actor.done]:
        choice = choices[len(taken)] % len(live) if len(taken) < len(choices) else 0
        taken.append((choice, len(live)))
        live[choice].step()
        after_each()
    return taken


def every_order(run_order: RunOrder, *, depth: int) -> None:
    """RunOrder every order of the first `depth` steps; from there on, one actor after the other."""
    choices: list[int] = []
    while True:
        taken = run_order(choices)[:depth]
        while taken and taken[-1][0] + 1 >= taken[-1][1]:
            taken.pop()
        if not taken:
            return
        choices = [choice for choice, _ in taken[:-1]] + [taken[-1][0] + 1]
