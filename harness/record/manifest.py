"""The run manifest: what was run, on what, with which versions, and how it went."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from harness.data.findings import Finding
from harness.execution.costs import Cost
from harness.execution.environment import Environment


class AttackOrigin(msgspec.Struct, omit_defaults=True):
    """Everything of an attack on the probes that can change a number.

    Parameters
    ----------
    algorithm, source_hash, parameters, weight_hashes
        Of the remover, as for the algorithm under test.
    protocol, protocol_hash, data_hash
        Whose images it learned from.
    version
        As for the algorithm under test.
    """

    algorithm: str
    source_hash: str
    parameters: dict[str, Any]
    weight_hashes: dict[str, str]
    protocol: str
    protocol_hash: str
    data_hash: str
    version: str = ""


class Retouched(msgspec.Struct):
    """What an attack did.

    Parameters
    ----------
    pictures
        Probes that were retouched.
    models
        Models that were fitted, or 1 for a remover that does not learn.
    learned
        Images that each of them learned from.
    gave_up
        Reason by name, for probes that the remover gave up on; they were shown as they are.
    loaded
        SHA-256 of the files that the remover loaded from beside it, by path.
    """

    pictures: int
    models: int
    learned: list[int]
    gave_up: dict[str, str] = {}
    loaded: dict[str, str] = {}


class PartOrigin(msgspec.Struct, omit_defaults=True):
    """Everything of a part of a composite that can change a number, but for its parameters.

    Parameters
    ----------
    algorithm, source_hash, weight_hashes, version
        As for an algorithm of its own.
    """

    algorithm: str
    source_hash: str
    weight_hashes: dict[str, str] = {}
    version: str = ""


class Ceiling(msgspec.Struct):
    """What the first stage of a re-ranking leaves to be found.

    Parameters
    ----------
    k
        Candidates that the second matcher compares.
    found
        Searches with a mate among them.
    searches
        With a mate in the gallery.
    """

    k: int
    found: int
    searches: int


class Stage(msgspec.Struct, omit_defaults=True):
    """What a part of a composite did.

    Parameters
    ----------
    comparisons, searches
        That were made of what is judged.
    learned_from
        Comparisons of training images that weights were learned from.
    failed
        Images that it gave up on.
    costs
        As of a manifest.
    taken_over
        Units of work that were found in other runs, by the folder of the run.
    loaded
        SHA-256 of the files that it loaded from beside it, by path.
    """

    comparisons: int
    searches: int
    learned_from: int = 0
    failed: int = 0
    costs: dict[str, Cost] = {}
    taken_over: dict[str, list[str]] = {}
    loaded: dict[str, str] = {}


class Weighing(msgspec.Struct):
    """What a fusion learned.

    Parameters
    ----------
    folds
        That it is used in: those that learn from the same images.
    identities, images, mated, nonmated
        Training identities and images that were compared, and how often.
    refitted
        Whether a part was fitted a second time, without them.
    weights, offset
        Of the parts, and the score where theirs are 0.
    """

    folds: list[str]
    identities: int
    images: int
    mated: int
    nonmated: int
    refitted: bool
    weights: dict[str, float]
    offset: float


class Composition(msgspec.Struct, omit_defaults=True):
    """How the parts of a composite came to one score.

    Parameters
    ----------
    rule
        By which.
    stages
        Of each part, by its name.
    ceiling
        Of a re-ranking.
    weighing
        Of a fusion that learned.
    mixed
        Why scores of different searches cannot be held against one threshold; empty where they can.
    """

    rule: str
    stages: dict[str, Stage]
    ceiling: Ceiling | None = None
    weighing: list[Weighing] = []
    mixed: str = ""


class Origin(msgspec.Struct, omit_defaults=True):
    """The recipe of a run: everything that was asked for; its hash is the run's identity.

    Not in it: the environment (threads, CPU features, versions of libraries, device), in which the
    same recipe may give other trained bits and which is recorded beside it; host, workers, time
    limits; where the data and the run folder lie.

    Parameters
    ----------
    rule
        Version of this list.
    protocol, protocol_hash
        Name, and SHA-256 of the file's bytes.
    data_hash
        SHA-256 over every image and truth that the protocol uses.
    algorithm, source_hash
        Name, and SHA-256 of all code that makes its scores: its own files and those that it loads
        from beside it, the toolkit that it builds on, and what decodes, executes and matches.
    parameters
        Every field of the dataclass with its value, seed included.
    weight_hashes
        SHA-256 of every weight file: by the parameter that names it, or by its name, such as its
        URL, among the assets of the algorithm.
    failure_policy
        How failures are counted.
    folds
        Names of the folds that were run.
    fold_count
        Into how many folds the user had data without lists of its own dealt; 0 for the protocol's
        number.
    attack
        Present where the probes were retouched.
    training_hash
        SHA-256 of the data set learned from, where that is not the one that is judged.
    layout_hash
        SHA-256 of the folds: who is compared with whom.
    learning_hash
        SHA-256 of what each fold learns from, and of the truth about it; empty for an algorithm
        that does not learn.
    version
        What an algorithm says that it is: name and version of a program, texts of its assets.
    preregistration
        SHA-256 of the file in which criteria, protocol and data were written down before the run;
        empty where there was none.
    parts
        Of a composite, by their names; their parameters are among `parameters`.
    """

    rule: int
    protocol: str
    protocol_hash: str
    data_hash: str
    algorithm: str
    source_hash: str
    parameters: dict[str, Any]
    weight_hashes: dict[str, str]
    failure_policy: str
    folds: list[str]
    attack: AttackOrigin | None = None
    training_hash: str = ""
    fold_count: int = 0
    layout_hash: str = ""
    learning_hash: str = ""
    version: str = ""
    preregistration: str = ""
    parts: dict[str, PartOrigin] = {}


class Step(msgspec.Struct):
    """How long one step of one unit of work took, and on which machine.

    Parameters
    ----------
    drawn
        Of a fit that had its pictures drawn: how many identities and captures, since it last went
        on.
    """

    unit: str
    step: str
    seconds: float
    items: int
    host: str = ""
    drawn: dict[str, int] | msgspec.UnsetType = msgspec.UNSET


class Surroundings(msgspec.Struct):
    """An environment, and the units of work that were done in it."""

    environment: Environment
    units: list[str]


class Protection(msgspec.Struct, omit_defaults=True):
    """What kept the algorithm from knowing, or changing, what it must not.

    Parameters
    ----------
    landlock
        ABI of the kernel's Landlock by which its processes read what they need and wrote nothing
        that is kept; 0 for none.
    network
        ``namespace`` (they had none), ``sockets refused``, ``tcp refused`` or ``open``.
    processes
        How what they started was ended with them.
    missing
        What was not to be had on that machine, with the reason.
    words
        The same for people.
    pictures, pairs
        Answers that were given again by another process, apart from the others.
    largest
        The largest difference found, as a share of what is allowed.
    exempt
        Whether nothing was checked, since a control is shown the truth.
    """

    landlock: int = 0
    network: str = "open"
    processes: str = ""
    missing: list[str] = []
    words: str = ""
    pictures: int = 0
    pairs: int = 0
    largest: float = 0.0
    exempt: bool = False

    @property
    def fenced(self) -> bool:
        """Whether its processes could neither read nor write files, and had no network."""
        return self.landlock > 0 and self.network in ("namespace", "sockets refused")


class Examination(msgspec.Struct, omit_defaults=True):
    """What the conformance kit found about the algorithm's source.

    Parameters
    ----------
    harness
        Version whose kit it was.
    how
        ``now`` for this run, ``before`` an earlier one of the same source, with this ``release`` of
        the harness, ``off`` where it was not wanted, or ``session`` where the algorithm was a class
        of the Python session, which no other process could ask.
    passed
        Names of the checks that it passed.
    failed
        What was found, by the names of the others. A check that needs a failed one is in neither.
    """

    harness: str
    how: str
    passed: list[str] = []
    failed: dict[str, str] = {}


class Import(msgspec.Struct):
    """Where scores came from that no algorithm of ours produced.

    Parameters
    ----------
    files
        As given.
    forms
        Formats read.
    depth
        Candidates that each search was asked for, where the lists end before the gallery does.
    missing
        Fold and name of every probe without a score; each is a miss.
    notes
        What a reader of the numbers should know.
    """

    files: str
    forms: list[str]
    depth: int | None
    missing: list[tuple[str, str]]
    notes: list[str]


class CrossCheck(msgspec.Struct, omit_defaults=True):
    """What another program computed from the same scores, or why it did not.

    Parameters
    ----------
    tolerance
        By how much the harness's own figure may differ from it: the step of the curve that both
        read. None in manifests that were written before it was kept.
    """

    program: str
    metric: str
    value: float | None
    reason: str = ""
    tolerance: float | None = None

    def contradicts(self, own: float | None) -> bool:
        """Whether the harness's figure is another than steps of one curve can explain."""
        if self.value is None or self.tolerance is None:
            return False
        return own is None or abs(self.value - own) > self.tolerance + 1e-9


class Manifest(msgspec.Struct):
    """What a run folder says about itself.

    Parameters
    ----------
    identity
        Hash of `origin`, 64 hexadecimal digits.
    title, question, reference
        The protocol's own words, and the document it follows.
    abilities, control, citation, about
        Of the algorithm.
    dataset
        Name of the data set, its layout and path as given.
    counts
        Images, folds and so on, for people.
    versions
        Of Python, the harness and the libraries loaded by the workers.
    git
        ``commit`` and ``dirty`` of the checkout, where there is one.
    command
        The one command that reproduces the run.
    started, finished
        UTC, ISO 8601.
    failures
        Images that the algorithm gave up on.
    opinions
        Of other programs on the same scores.
    imported
        Present where the scores were imported, not computed here.
    retouched
        Present where the probes were attacked.
    learns
        Whether the algorithm (or the attack) is fitted, so that another fit may give another
        result.
    loaded
        SHA-256 of the files beside the algorithm that it loaded, or names in its text, by their
        paths below its folder.
    environments, environment_hash
        In which the units were done, and their hash: empty where the scores were imported.
    result_hash
        SHA-256 over the stored answers of all folds.
    mated_by
        ``tattoo`` or ``group``: what mates have in common; empty where nothing is mated.
    examination
        Of the algorithm's source, once before its first run; absent where the scores were imported.
    findings
        What is odd about the data or the run, for whoever reads its numbers.
    protection
        What the algorithm was kept from; None where no algorithm of ours was at work.
    costs
        What an operation of the algorithm takes: seconds of one image by the name of the method,
        seconds of one search under ``compare``, bytes under ``template``. Empty where nobody
        measured it.
    lists
        Candidates that each search was asked for, where a searcher's lists end before the gallery.
    composition
        Of a composite.
    """

    format: int
    identity: str
    origin: Origin
    title: str
    question: str
    reference: str
    task: str
    abilities: list[str]
    control: bool
    citation: str
    about: str
    dataset: dict[str, str]
    counts: dict[str, int]
    versions: dict[str, str]
    machine: dict[str, str]
    git: dict[str, Any]
    command: str
    started: str
    finished: str
    steps: list[Step]
    failures: int
    opinions: list[CrossCheck] = []
    imported: Import | None = None
    retouched: Retouched | None = None
    learns: bool = False
    loaded: dict[str, str] = {}
    environments: list[Surroundings] = []
    environment_hash: str = ""
    result_hash: str = ""
    mated_by: str = ""
    examination: Examination | None = None
    findings: list[Finding] = []
    protection: Protection | None = None
    costs: dict[str, Cost] = {}
    lists: int | None = None
    composition: Composition | None = None

    @property
    def mixed(self) -> str:
        """Why its scores cannot be held against one threshold; empty where they can."""
        return "" if self.composition is None else self.composition.mixed

    @property
    def list_length(self) -> int | None:
        """Candidates of each search where lists end before their gallery; None for all scores."""
        return self.lists if self.imported is None else self.imported.depth


def now() -> str:
    """Return the time as the manifest writes it: UTC, ISO 8601, whole seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def value_text(value: Any) -> str:
    """Return any recorded value as text; nothing reads as ``none``."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(value_text(item) for item in value) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{key}: {value_text(item)}" for key, item in value.items()) or "none"
    return str(value)
