"""What all commands share: arguments that several of them have, and how a command is started."""

import argparse
import importlib
import os
from collections.abc import Callable
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from skinapi.settings import Settings

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

Run = Callable[[Settings, argparse.Namespace], int]

DATA = (
    "one or more sources, each with a CSV file beside its pictures or one folder for each class: "
    "FOLDER[,modality=dermoscopic|clinical|unknown][,licence=TEXT][,share=0..1][,labels=FILE]"
)
NORMAL_SKIN = "a folder of pictures of healthy skin, FOLDER[,modality=...]"
CUT_NORMAL_SKIN = (
    "also cut patches of normal skin from the pictures, away from the lesion, one for each patient"
)
NOT_SKIN = (
    "a folder of pictures of anything but skin: every other one by name fits the skin detector, "
    "the rest measures it"
)


def import_and_run(action: str, options_type: type[Any]) -> Run:
    """Imports the command when it is called: TensorFlow takes seconds to load, and need not be
    installed to serve. It is given its options as a dataclass, a field for each argument.
    """

    def run(settings: Settings, namespace: argparse.Namespace) -> int:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        module = importlib.import_module(f"skinapi.learning.commands.{action}")
        options = {one.name: getattr(namespace, one.name) for one in fields(options_type)}
        done: int = module.run(settings, options_type(**options))
        return done

    return run


def add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", nargs="+", required=True, metavar="SOURCE", help=DATA)
    parser.add_argument("--skip-unknown-labels", action="store_true")


def add_normal_skin(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--normal-skin", metavar="SOURCE", help=NORMAL_SKIN)
    parser.add_argument("--cut-normal-skin", action="store_true", help=CUT_NORMAL_SKIN)


def split_words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())
