"""The command line: the options of its commands, and one module for each command."""

from typing import TYPE_CHECKING

from skinapi.learning.commands.evaluate_options import add_card, add_compare, add_evaluate
from skinapi.learning.commands.train_options import add_calibrate, add_export, add_train

if TYPE_CHECKING:
    from skinapi.learning.commands.options import Commands


def add_commands(commands: "Commands") -> None:
    """Add the arguments of every command. No training framework is imported."""
    add_train(commands)
    add_calibrate(commands)
    add_evaluate(commands)
    add_card(commands)
    add_compare(commands)
    add_export(commands)
