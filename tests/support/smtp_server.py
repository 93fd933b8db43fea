import ssl
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from socketserver import StreamRequestHandler

from tests.support.local_server import LocalServer, serving_in_a_thread


@dataclass
class Behaviour:
    """`says` replaces the answer to the command (in capitals) that a line begins with. `silent`
    commands get no answer until the server ends. `first` runs once, before the command is answered.
    TAKEN is the end of a mail, DONE what follows its answer.
    """

    says: dict[str, str] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    first: dict[str, Callable[[], None]] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None


class Conversation(StreamRequestHandler):
    server: "SmtpServer"

    def handle(self) -> None:
        self.server.busy += 1
        with suppress(OSError, ValueError):
            self._say("220 ready")
            while line := self.rfile.readline():
                self._answer(line.decode().strip())
        self.server.busy -= 1

    def finish(self) -> None:
        with suppress(OSError, ValueError):
            super().finish()
        self.rfile.close()
        self.connection.close()  # the one with TLS

    def _answer(self, line: str) -> None:
        word = line.partition(" ")[0].upper()
        self.server.heard.append(line)
        behaviour = self.server.behaviour
        self._do_first(word)
        if word in behaviour.silent:
            self.server.closing.wait()
        elif word in behaviour.says:
            self._say(behaviour.says[word])
        elif word == "EHLO":
            offers = ["AUTH PLAIN", "SMTPUTF8", *(["STARTTLS"] if behaviour.tls else [])]
            self._say(
                "\r\n".join(["250-local", *(f"250-{offer}" for offer in offers), "250 8BITMIME"])
            )
        elif word == "STARTTLS" and behaviour.tls:
            self._say("220 go on")
            self.connection = behaviour.tls.wrap_socket(self.connection, server_side=True)
            self.rfile = self.connection.makefile("rb")
        elif word == "AUTH":
            self._say("235 welcome")
        elif word == "DATA":
            self._take()
        elif word == "QUIT":
            self._say("221 bye")
            raise ConnectionError
        else:
            self._say("250 well")

    def _take(self) -> None:
        self._say("354 go on")
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                raise ConnectionError  # a mail that does not end is none
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        mail = message_from_bytes(b"".join(lines), policy=policy.default)
        self.server.mails.append(mail)
        answer = self.server.behaviour.says.get("TAKEN", "250 taken")
        self._do_first("TAKEN")
        if "TAKEN" in self.server.behaviour.silent:
            self.server.closing.wait()
        self._say(answer)
        self._do_first("DONE")

    def _do_first(self, word: str) -> None:
        if act := self.server.behaviour.first.pop(word, None):
            act()

    def _say(self, text: str) -> None:
        self.connection.sendall(f"{text}\r\n".encode())


class SmtpServer(LocalServer):
    def __init__(self, port: int = 0) -> None:
        self.mails: list[EmailMessage] = []
        self.heard: list[str] = []
        self.behaviour = Behaviour()
        self.busy = 0  # conversations
        super().__init__(port, Conversation)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.server_address[1]}"

    def texts(self) -> list[str]:
        return [mail.get_content() for mail in self.mails]

    def recipients(self) -> list[str]:
        return [str(mail["To"]) for mail in self.mails]


def smtp_server(port: int = 0) -> AbstractContextManager[SmtpServer]:
    return serving_in_a_thread(SmtpServer(port))
