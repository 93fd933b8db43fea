import threading

from skinapi.platform.jobs.announcements import MOST_WAITING, Announcer, BrokerUnavailableError

PATIENCE_S = 60


class SlowBroker:
    def __init__(self) -> None:
        self.answers = threading.Event()
        self.announced: list[str] = []
        self.disconnected = threading.Event()

    def announce(self, job: str) -> None:
        self.answers.wait(PATIENCE_S)
        self.announced.append(job)
        if job == "refused":
            raise BrokerUnavailableError("refused")

    def receive(self) -> bool:
        return False

    def acknowledge(self) -> None: ...

    def disconnect(self) -> None:
        self.disconnected.set()


def test_nobody_waits_for_a_broker_that_does_not_answer() -> None:
    """The queue in memory is bounded, and a refused announcement does not delay the others."""
    broker = SlowBroker()
    announcer = Announcer(broker)
    announcer.announce("refused")
    for number in range(2 * MOST_WAITING):
        announcer.announce(f"{number}")
    assert not broker.announced
    broker.answers.set()
    assert broker.disconnected.wait(PATIENCE_S)
    assert broker.announced[:2] == ["refused", "0"]
    assert MOST_WAITING <= len(broker.announced) <= MOST_WAITING + 1
