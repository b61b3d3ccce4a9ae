"""All verbs, one file for each. Importing a module of them adds them to the command."""

from __future__ import annotations

from harness.cli.group import commands
from harness.cli.verbs import (  # noqa: F401
    annotate,
    attest,
    baseline,
    check,
    checks,
    compare,
    completion,
    data,
    describe,
    differentials,
    disclose,
    export,
    gate,
    import_data,
    leaderboard,
    list_all,
    match,
    new,
    preregister,
    report,
    run,
    scale,
    score,
    serve,
    status,
    synth,
    tag,
    validate,
    verify,
)

__all__ = ["commands"]
