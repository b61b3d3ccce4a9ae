"""Commands carried out in this process, which is quicker than one of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cli.ending import carried_out
from tests.conftest import Ran


@pytest.fixture
def here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Ran]:
    """The command, carried out in an empty folder, in this process."""
    monkeypatch.chdir(tmp_path)

    def command(*words: str | Path) -> Ran:
        capsys.readouterr()
        code = carried_out([str(word) for word in words])
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return command
