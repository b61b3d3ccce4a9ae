"""Checks of programs alone: each says what it saw, or raises what is wrong."""

from __future__ import annotations

import shlex
from typing import Any

from harness.conformance.agreement import Fault
from harness.conformance.checks import Subject
from harness.plugins.programs.client import Program
from harness.plugins.programs.command import PREFIX, unknown


def _program(subject: Subject) -> Program:
    kind: Any = subject.kind
    found: Program = kind.program
    return found


def made_of(subject: Subject) -> str:
    """Say what is known of a program: it passes, since nobody can know more."""
    program = _program(subject)
    said = program.hello()
    return f"{said.name} {said.version}; {unknown(PREFIX + shlex.join(program.words))}"


def says_goodbye(subject: Subject) -> str:
    """Require an end with exit code 0 after ``goodbye``."""
    program = _program(subject)
    program.hello()
    odd = program.close()
    if odd:
        raise Fault(f"{odd}; answer 'goodbye' and end with exit code 0")
    return "goodbye, and exit code 0"


def ends_with_its_input(subject: Subject) -> str:
    """Require an end when nobody is there any more to ask."""
    odd = _program(subject).end_input()
    if odd:
        raise Fault(
            f"{odd} when its standard input ended; end then, or a program whose harness was killed "
            "stays for ever"
        )
    return "nobody asks, and it ends"
