"""Announcements of jobs on RabbitMQ or Redis, with the broker classes of Dramatiq
(https://dramatiq.io).

Dramatiq's workers are not used: they hold a message during the work. RabbitMQ redelivers a message
after half an hour, and Redis after some seconds without a heartbeat, so a long training would run
twice. Here a message is held only until the stored job has a worker, and no connection is open
while a job runs.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import Any

import redis
from dramatiq import Message
from dramatiq.broker import Consumer, MessageProxy
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.brokers.redis import RedisBroker
from redis.backoff import NoBackoff
from redis.retry import Retry

from skinapi.base.errors import UnsafeSettings
from skinapi.platform.jobs.announcements import BrokerUnavailableError

QUEUE, ACTOR = "skinapi-jobs", "run_job"
RECEIVE_MS = 500
CONNECT_S, ANSWER_S = 3, 2  # Redis uses each at most twice
RABBITMQ_HEARTBEAT_S = 10
# After this time Redis gives an announcement to another worker, where the one that got it died
# before it acknowledged; it is looked for at about every twentieth request (of a million).
REDIS_HEARTBEAT_MS, REDIS_MAINTENANCE = 10_000, 50_000
LOGGERS = ("dramatiq", "pika")


class DramatiqBroker:
    def __init__(self, uri: str) -> None:
        for name in LOGGERS:  # our callers report a lost connection once
            logging.getLogger(name).setLevel(logging.CRITICAL)
        opened = _Redis if uri.startswith("redis") else _Rabbitmq
        try:
            self._broker = opened(uri)
        except (ValueError, TypeError, redis.RedisError):
            raise UnsafeSettings("JOBS_BROKER is not an address that can be used") from None
        self._consumer: Consumer | None = None
        self._held: MessageProxy | None = None

    def announce(self, job: str) -> None:
        message: Message[None] = Message(
            queue_name=QUEUE, actor_name=ACTOR, args=(job,), kwargs={}, options={}
        )
        with self._connected():
            self._broker.declare_queue(QUEUE)
            self._broker.enqueue(message)

    def receive(self) -> bool:
        with self._connected():
            if self._consumer is None:
                self._consumer = self._broker.consume(QUEUE, prefetch=1, timeout=RECEIVE_MS)
                self._broker.disconnect()  # no longer needed: the consumer has its own
            self._held = next(self._consumer)
        return self._held is not None

    def acknowledge(self) -> None:
        # If the connection is lost, another worker gets it again and finds no job.
        with suppress(BrokerUnavailableError), self._connected():
            if self._consumer and self._held:
                self._consumer.ack(self._held)
            self._held = None

    def disconnect(self) -> None:
        consumer, self._consumer, self._held = self._consumer, None, None
        _try(self._broker.disconnect)
        if consumer:
            # In a thread: a frozen RabbitMQ is waited for half a minute, as long as a lease.
            Thread(target=_try, args=(consumer.close,), daemon=True).start()

    @contextmanager
    def _connected(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # pika and redis raise undocumented errors
            self.disconnect()
            wrapped = getattr(error, "message", None)  # the library's error, wrapped by Dramatiq
            cause = wrapped if isinstance(wrapped, Exception) else error
            raise BrokerUnavailableError(type(cause).__name__) from error


def _try(act: Callable[[], object]) -> None:
    with suppress(Exception):
        act()


class _Rabbitmq(RabbitmqBroker):
    def __init__(self, uri: str) -> None:
        super().__init__(url=uri, middleware=[], confirm_delivery=True)
        parameters: Any = self.parameters
        parameters.connection_attempts = 1
        parameters.socket_timeout, parameters.stack_timeout = CONNECT_S, 2 * CONNECT_S
        parameters.blocked_connection_timeout = CONNECT_S
        parameters.heartbeat = RABBITMQ_HEARTBEAT_S

    def disconnect(self) -> None:
        del self.connection


class _Redis(RedisBroker):
    def __init__(self, uri: str) -> None:
        client = redis.Redis.from_url(
            uri,
            socket_connect_timeout=CONNECT_S,
            socket_timeout=ANSWER_S,
            retry=Retry(NoBackoff(), 1),  # once: a connection that Redis closed meanwhile
        )
        super().__init__(  # type: ignore[no-untyped-call]
            client=client,
            middleware=[],
            heartbeat_timeout=REDIS_HEARTBEAT_MS,
            maintenance_chance=REDIS_MAINTENANCE,
        )

    def disconnect(self) -> None:
        self.client.close()
