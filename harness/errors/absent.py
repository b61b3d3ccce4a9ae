"""What is not installed here: whose package it is, and which extra of ours brings it.

Extras and their packages stand in ``pyproject.toml`` alone; they are read from the metadata that
an installation keeps of it.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from types import ModuleType

from harness.errors import UsageError

DISTRIBUTION = "tattoo-harness"

CALLED = {
    "PIL": "pillow",
    "cv2": "opencv-python-headless",
    "mlflow": "mlflow-skinny",
    "dask": "distributed",  # which asks for exactly the Dask that it needs
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}
"""Packages whose modules are called otherwise; of all others the name says it."""

NOT_FOR_RUNS = ("dev", "docs")
"""Extras that nobody needs for running anything."""


class NotInstalled(UsageError):
    """Something that was asked for needs packages that are not installed here.

    Parameters
    ----------
    what
        Needs them: the beginning of a sentence, such as ``--on``.
    modules
        Names of the modules that cannot be imported.
    instead
        What else helps; it ends the sentence.
    """

    def __init__(self, what: str, modules: Iterable[str], instead: str = "") -> None:
        self.modules = tuple(modules)
        super().__init__(f"{what} needs {lacking(self.modules)}{instead}")


def is_absent(module: str) -> bool:
    """Return whether a module is not installed; nothing is imported for that.

    One that is there and broken is not absent: its own error says more.

    >>> is_absent("json"), is_absent("no_such_library.part")
    (False, True)
    """
    name = module.split(".")[0]
    if name in sys.modules:
        return sys.modules[name] is None
    try:
        return importlib.util.find_spec(name) is None
    except (ImportError, ValueError):
        return True


def package_of(module: str) -> str:
    """Return what is installed for a module.

    >>> package_of("cv2"), package_of("dask_jobqueue.slurm")
    ('opencv-python-headless', 'dask-jobqueue')
    """
    name = module.split(".")[0]
    return CALLED.get(name, name.replace("_", "-").lower())


def packages_of(modules: Iterable[str]) -> list[str]:
    """Return the packages of modules, each once, in order."""
    return sorted({package_of(module) for module in modules})


def lacking(modules: Iterable[str]) -> str:
    """Return which packages are not installed, and the command that installs them; ends a sentence.

    >>> lacking(["no_such_library"])
    'no-such-library, which is not installed: pip install no-such-library'
    """
    names = packages_of(modules)
    them = " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
    are = "is" if len(names) == 1 else "are"
    return f"{them}, which {are} not installed: {how_to_install(names)}"


def how_to_install(modules: Iterable[str]) -> str:
    """Return the command that installs modules or packages, by the extras that bring them.

    The smallest extra that brings a package is taken; one that another brings along is not named.

    >>> how_to_install(["no_such_library"])
    'pip install no-such-library'
    """
    chosen: set[str] = set()
    others = []
    brought = brings()
    for name in packages_of(modules):
        naming = [extra for extra, packages in brought.items() if name in packages]
        if naming:
            chosen.add(min(naming, key=lambda extra: (len(brought[extra]), extra)))
        else:
            others.append(name)
    kept = [one for one in chosen if not any(brought[one] < brought[other] for other in chosen)]
    named = [f"'{DISTRIBUTION}[{','.join(sorted(kept))}]'"] if kept else []
    return " ".join(["pip install", *named, *others])


def imported(module: str, what: str, instead: str = "") -> ModuleType:
    """Import a module that an extra brings.

    Parameters
    ----------
    module
        Its name, with dots.
    what, instead
        Of `NotInstalled`.

    Raises
    ------
    NotInstalled
        If it, or what it imports, is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as reason:
        name = reason.name or module
        if not is_absent(name):
            raise
        raise NotInstalled(what, [name], instead) from None


def known_absence(reason: BaseException) -> str:
    """Return what a failed import comes to in words, or nothing where it is no package of an extra.

    Parameters
    ----------
    reason
        What was raised.
    """
    if not isinstance(reason, ModuleNotFoundError) or not reason.name:
        return ""
    ours = is_of_an_extra(reason.name) and is_absent(reason.name)
    return lacking([reason.name]) if ours else ""


def is_of_an_extra(module: str) -> bool:
    """Return whether an extra of the installed harness brings a module's package.

    >>> is_of_an_extra("no_such_library")
    False
    """
    package = package_of(module)
    return any(package in packages for packages in brings().values())


def is_whole() -> bool:
    """Return whether all that the extras bring is installed; False where that is not known."""
    modules = {package: module for module, package in CALLED.items()}
    packages = frozenset().union(*brings().values())
    return bool(packages) and not any(
        is_absent(modules.get(one, one.replace("-", "_"))) for one in packages
    )


@cache
def brings() -> Mapping[str, frozenset[str]]:
    """Return the packages that each extra of the installed harness brings, of those that runs need.

    Returns
    -------
    Mapping
        By name of the extra, with what other extras of ours bring along with it; empty where the
        harness was never installed.
    """
    import importlib.metadata  # late: it takes as long as all of `harness --help`

    try:
        written = importlib.metadata.requires(DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        return {}
    found: dict[str, set[str]] = {}
    for line in written:
        extra, named = _EXTRA.search(line), _NAMED.match(line)
        if extra and named and extra[1] not in NOT_FOR_RUNS:
            found.setdefault(extra[1], set()).add(package_of(named[0].replace("-", "_")))
    return {extra: frozenset(packages) for extra, packages in found.items()}


_EXTRA = re.compile(r"""extra\s*==\s*['"]([^'"]+)['"]""")
_NAMED = re.compile(r"[A-Za-z0-9._-]+")
