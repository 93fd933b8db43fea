"""Adds the commands to the command line. No training framework is imported here, because `--help`
and the server must work without one.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import MISSING, Field, fields
from types import NoneType
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin, get_type_hints

from skinapi.base.errors import DiskFull
from skinapi.base.settings.settings import Settings
from skinapi.learning.commands.options import (
    Argument,
    CardOptions,
    CompareOptions,
    EvaluateOptions,
    ExportOptions,
    TrainOptions,
)
from skinapi.platform.storage.files import FULL

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def add_commands(commands: "Commands") -> None:
    _add(commands, "train", TrainOptions, "train", "train a network on your own pictures")
    _add(
        *(commands, "calibrate", CardOptions, "evaluate"),
        "fit temperature, thresholds, prediction sets and detectors of a model again",
    )
    _add(
        *(commands, "evaluate", EvaluateOptions, "evaluate"),
        "measure the served model on labelled pictures",
    )
    _add(
        *(commands, "card", CardOptions, "evaluate"),
        "measure a calibrated model on the test part of its split, and write its card",
    )
    _add(
        *(commands, "compare", CompareOptions, "evaluate"),
        "compare two models on the same pictures, with confidence intervals",
    )
    _add(
        *(commands, "export", ExportOptions, "export"),
        "make a model folder of your own .keras or .h5 network",
    )


def _add(commands: "Commands", action: str, options: type[Any], module: str, text: str) -> None:
    parser = commands.add_parser(action, help=text)
    hints = get_type_hints(options, include_extras=True)
    for item in fields(options):
        hint = hints[item.name]
        kind, argument = get_args(hint) if get_origin(hint) is Annotated else (hint, Argument())
        names = argument.names or (f"--{item.name.replace('_', '-')}",)
        parser.add_argument(*names, **_describe(item, kind, argument))
    parser.set_defaults(run=_import_and_run(action, options, module))


def _describe(one: "Field[Any]", kind: Any, argument: Argument) -> Mapping[str, Any]:
    if kind is bool:
        return {"action": "store_true", "help": argument.text}
    inner = [each for each in get_args(kind) if each is not NoneType]
    plain = kind if get_origin(kind) is Literal else inner[0] if inner else kind
    told: dict[str, Any] = {"type": plain, "help": argument.text}
    if get_origin(plain) is Literal:
        told |= {"type": str, "choices": get_args(plain)}
    if get_origin(kind) is list and "action" not in argument.more:
        told["nargs"] = "+"
    if not argument.names or argument.names[0].startswith("-"):
        if one.default is MISSING and one.default_factory is MISSING:
            told["required"] = True
        else:
            factory = one.default_factory
            told["default"] = one.default if factory is MISSING else factory()
    return {**told, **argument.more}


def _import_and_run(
    action: str, options: type[Any], module: str
) -> Callable[[Settings, argparse.Namespace], int]:
    """Import the command when it is called: TensorFlow takes seconds to load, or is not
    installed.
    """

    def run(settings: Settings, namespace: argparse.Namespace) -> int:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        command = getattr(importlib.import_module(f"skinapi.learning.commands.{module}"), action)
        values = {item.name: getattr(namespace, item.name) for item in fields(options)}
        done: int = command(settings, options(**values))
        return done

    return run


def print_line(line: str) -> None:
    """Flush at once: through a pipe, output would otherwise arrive in blocks."""
    # Not `print`, which the linter keeps for the command line's entry points.
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


@contextmanager
def raise_disk_full() -> Iterator[None]:
    try:
        yield
    except OSError as failed:
        if failed.errno in FULL:
            raise DiskFull from failed
        raise
