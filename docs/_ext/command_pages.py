"""The command line, from the commands themselves: one page for each verb."""

from __future__ import annotations

import inspect

import click
from writing import Shelf, heading, indented, literal, plain, spoken, table

from harness.cli import commands
from harness.cli.group import EPILOG, SECTIONS

__all__ = ["write"]


def write(shelf: Shelf) -> None:
    """Write a page for each verb, and the page that lists them by what they are for."""
    listed = []
    for section, verbs in SECTIONS.items():
        listed += [
            heading(section, "-"),
            table(
                ("Verb", "What for"),
                [
                    (f":doc:`harness {verb} </reference/commands/{verb}>`", plain(about))
                    for verb, about in verbs.items()
                ],
            ),
        ]
        for verb in verbs:
            parts = [heading(literal(f"harness {verb}")), *_of(commands.commands[verb], [verb])]
            shelf.write(f"commands/{verb}", "\n".join(parts))
    shelf.write(
        "commands/index",
        "\n".join(
            [
                heading("The command line"),
                "`harness VERB --help` prints the same. Results go to standard output, everything"
                " that is said about them to standard error; `--json` prints results for programs."
                "\n",
                *listed,
                heading("Exit codes", "-"),
                plain(EPILOG.replace("\b", "").strip().removeprefix("Exit codes: ")),
                "",
                ".. toctree::\n   :hidden:\n   :glob:\n\n   *\n",
            ]
        ),
    )


def _of(command: click.Command, words: list[str]) -> list[str]:
    context = click.Context(command, info_name=" ".join(["harness", *words]))
    parts = [
        ".. code-block:: text\n",
        indented(" ".join([context.command_path, *command.collect_usage_pieces(context)])),
        "",
        _help(command),
    ]
    options = [one for one in command.params if isinstance(one, click.Option) and not one.hidden]
    if options:
        parts.append(table(("Option", "Meaning"), [_option(one, context) for one in options]))
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            if not below.hidden:
                parts += [
                    heading(literal(" ".join(["harness", *words, name])), "-"),
                    *_of(below, [*words, name]),
                ]
    return parts


def _help(command: click.Command) -> str:
    """Return the text of a command; a block that click would leave as it is stays so."""
    parts = []
    for block in inspect.cleandoc(command.help or "").split("\n\n"):
        if block.startswith("\b"):
            parts += [".. code-block:: text\n", indented(block.removeprefix("\b").strip("\n")), ""]
        else:
            parts += [spoken(block), ""]
    return "\n".join(parts)


def _option(option: click.Option, context: click.Context) -> tuple[str, str]:
    record = option.get_help_record(context)
    names, meaning = record if record else (", ".join(option.opts), option.help or "")
    return literal(names), spoken(meaning)
