"""Protocols: a TOML file becomes a checked `Protocol`, or one list of everything wrong with it."""

from __future__ import annotations

import hashlib
import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.data.toml_text import table_of
from harness.errors import UsageError, nearest, shortened
from harness.metrics.catalogue import CATALOGUE
from harness.metrics.ids import Metric

if TYPE_CHECKING:
    from harness.tasks.task import Task

TaskName = Literal[
    "identification",
    "verification",
    "open-set",
    "closed-set",
    "detection",
    "tagging",
    "style",
    "segmentation",
    "score-lists",
    "search",
    "removal",
]
"""Kinds of question; each is a module of `harness.tasks`, with ``_`` for ``-``."""

TASKS: tuple[str, ...] = get_args(TaskName)

LARGEST_PROTOCOL = 1 << 20
"""Bytes of a protocol's file; the longest of ours has a few thousand."""

MOST_FAULTS = 50
"""Faults of one protocol that are listed."""

Need = Literal[
    "two-pictures", "media", "regions", "both-labels", "other-subjects", "other-captures"
]
"""What a question may need of a data set; each is looked for by `harness.tasks.needs`."""


MOST_METRICS, MOST_RANKS, MOST_DRAWS = 100, 100_000, 10_000
"""More than anybody asks for; a protocol in a run folder may be a stranger's, who wants to keep
others waiting."""


_COUNTS, _RATES = ("rank", "k", "bins"), ("fmr", "fpir", "fpdr")
"""Options of metrics."""


class _Table(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=False, allow_inf_nan=False
    )


class DataRules(_Table):
    """Which images a protocol is about.

    Parameters
    ----------
    use_case
        Folder of the use case in the Tatt-C layout (``use-case``).
    background
        Whether the background images join every gallery.
    mated_by
        What makes two images mated where the layout has no ground truth (``mated-by``).
    same_source
        Whether a probe is compared with references that show the very same photograph
        (``same-source``): ``compared``, or ``left-out`` as if they were not in the gallery.
    crop
        Whether an image is shown as what lies in its box, where it has one.
    needs
        What the question needs of a data set beside what its task needs: ``media`` (pictures of two
        media), ``regions`` (roles that say which pictures are regions), ``other-subjects`` (mates
        on two people), ``other-captures`` (mates of two photographs), ``two-pictures`` of one
        identity, ``both-labels``.
    default
        Data set used without ``--data``: a folder of `fixtures/`, or empty where the user must
        bring one.
    """

    use_case: Annotated[str, Field(alias="use-case")]
    background: bool = False
    mated_by: Annotated[Literal["tattoo", "group"], Field(alias="mated-by")] = "tattoo"
    same_source: Annotated[Literal["compared", "left-out"], Field(alias="same-source")] = "compared"
    crop: bool = False
    needs: tuple[Need, ...] = ()
    default: str = "mini"


class FoldRules(_Table):
    """How folds are laid out where the data set has no lists of its own.

    Parameters
    ----------
    count
        Identity-disjoint folds; each is judged once and trains the others.
    train
        Patterns (as in shells) of record names that are only learned from. With them and
        ``count = 1`` everything else is judged in one fold.
    probe_media
        Media whose records are probes (``probe-media``); the others are references.
    references, probes
        Images drawn from each identity where neither roles nor media say what they are; without
        `probes` all that are not references.
    draws
        Open and closed set: how often images are drawn from a fold anew.
    unknown
        Open set: share of the identities that are not enrolled, in each draw.
    seed
        Of the shuffles and draws.
    """

    count: Annotated[int, Field(ge=1)] = 5
    train: tuple[str, ...] = ()
    probe_media: Annotated[tuple[str, ...], Field(alias="probe-media")] = ()
    references: Annotated[int, Field(ge=1)] = 1
    probes: Annotated[int, Field(ge=1)] | None = None
    draws: Annotated[int, Field(ge=1, le=MOST_DRAWS)] = 10
    unknown: Annotated[float, Field(gt=0, lt=1)] = 0.1
    seed: int = 0


class StyleRules(_Table):
    """Which styles the question ``style`` is about.

    Parameters
    ----------
    styles
        As the data set writes them; images of other styles are left out. Without any, all styles of
        the data set.
    """

    styles: tuple[str, ...] = ()


class SearchRules(_Table):
    """How the question ``search`` ranks the results of a text search again.

    Parameters
    ----------
    threshold
        Share of tattoo pixels below which a result's score is lowered in proportion.
    """

    threshold: Annotated[float, Field(gt=0, le=1)] = 0.25


class TaggingRules(_Table):
    """Which tags the question ``tagging`` is about.

    Parameters
    ----------
    minimum_use
        Images, learned from or judged, that must carry a tag for it to be asked for
        (``minimum-use``).
    """

    minimum_use: Annotated[int, Field(ge=1, alias="minimum-use")] = 1


class RemovalRules(_Table):
    """What the question ``removal`` lends to others.

    Parameters
    ----------
    attacker
        Algorithm whose retouched pictures another protocol sees when ``--attack`` names this one.
    """

    attacker: str = ""


class LookAlikes(_Table):
    """What a protocol that goes by ``tattoo`` asks where a data set knows groups alone.

    Parameters
    ----------
    title, question
        In the place of the protocol's own.
    """

    title: str
    question: str


class GateRules(_Table):
    """What `harness gate` tolerates, declared before anything is compared.

    Parameters
    ----------
    margin
        Loss of the headline metric that is still acceptable, in the metric's own unit.
    failures
        Rise of the share of images that the algorithm gives up on that is still acceptable.
    detectable
        True loss of the headline that is called a regression with a probability of 90 %, on the
        data named (`harness.comparing.detecting.planned`); none where that is not declared.
    detectable_on
        Those data (``detectable-on``).
    """

    margin: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    failures: Annotated[float, Field(ge=0, le=1)] = 0.01
    detectable: Annotated[float, Field(gt=0, le=1)] | None = None
    detectable_on: Annotated[str, Field(alias="detectable-on")] = ""


class Protocol(_Table):
    """One protocol: a question, the data it is asked on, and how answers are measured.

    Parameters
    ----------
    version
        Raised by its author with every change that can change a number.
    title, question, reference
        For people: name, the question in words, and the document it follows.
    task
        Module of `harness.tasks`.
    headline
        Id of the one metric that ranks.
    metrics
        Ids of all metrics reported, the headline among them.
    ranks
        Highest rank of the CMC.
    threshold
        Detection: the decision is "tattoo" at this score and above; of an image, or of a pixel.
    style, search
        Rules of the tasks of these names.
    tagging
        Rules of the task of this name.
    removal
        What it lends to others.
    look_alikes
        Words for data whose mates are look-alikes (``look-alikes``); without them such data is
        refused where the protocol goes by ``tattoo``.
    gate
        What `harness gate` tolerates; without it the command line has to say.
    """

    version: Annotated[int, Field(ge=1)]
    title: str
    question: str
    reference: str = ""
    task: TaskName
    headline: str
    metrics: Annotated[tuple[str, ...], Field(max_length=MOST_METRICS)]
    ranks: Annotated[int, Field(ge=1, le=MOST_RANKS)] = 50
    threshold: float = 0.5
    data: DataRules
    folds: FoldRules = FoldRules()
    style: StyleRules = StyleRules()
    search: SearchRules = SearchRules()
    tagging: TaggingRules = TaggingRules()
    removal: RemovalRules = RemovalRules()
    look_alikes: Annotated[LookAlikes | None, Field(alias="look-alikes")] = None
    gate: GateRules | None = None

    @property
    def metric_ids(self) -> tuple[Metric, ...]:
        """The metrics, parsed."""
        return tuple(Metric.parse(text) for text in self.metrics)

    @property
    def headline_id(self) -> str:
        """Canonical text of the headline metric."""
        return str(Metric.parse(self.headline))

    def kind(self) -> Task[Any, Any]:
        """Return the kind of question that it asks."""
        return task_named(self.task)


def task_named(name: str) -> Task[Any, Any]:
    """Import the module of `harness.tasks` for a kind of question, and return its task."""
    module = importlib.import_module(f"harness.tasks.{name.replace('-', '_')}")
    found: Task[Any, Any] = module.TASK
    return found


def read_protocol(path: Path) -> tuple[Protocol, str]:
    """Read and check a protocol.

    Returns
    -------
    tuple
        The protocol, and the SHA-256 of the file's bytes.

    Raises
    ------
    UsageError
        If it is not TOML, or with every fault in it at once.
    """
    if not path.is_file():
        raise UsageError(f"protocol {path} is no file")
    if path.stat().st_size > LARGEST_PROTOCOL:
        raise UsageError(f"protocol {path} is larger than {LARGEST_PROTOCOL:,} bytes")
    content = path.read_bytes()
    return parse_protocol(content, str(path)), hashlib.sha256(content).hexdigest()


def parse_protocol(content: bytes, called: str) -> Protocol:
    """Check the bytes of a protocol; parameters and errors as for `read_protocol`."""
    try:
        table = table_of(content)
    except ValueError as reason:
        raise UsageError(f"protocol {called} is not TOML: {reason}") from None
    faults: list[str] = []
    protocol = None
    try:
        protocol = Protocol.model_validate(table)
    except ValidationError as reason:
        faults = [_sentence(fault) for fault in reason.errors()]
    faults += _metric_faults(table)
    if faults or protocol is None:
        raise UsageError(
            f"protocol {called} has {len(faults)} fault{'s' * (len(faults) != 1)}:\n"
            + "\n".join(f"  - {shortened(fault)}" for fault in faults[:MOST_FAULTS])
            + (f"\n  - ... and {len(faults) - MOST_FAULTS} more" * (len(faults) > MOST_FAULTS))
        )
    return protocol


def _sentence(fault: Any) -> str:
    where = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        tables: dict[str, type[BaseModel]] = {
            "data": DataRules,
            "folds": FoldRules,
            "style": StyleRules,
            "search": SearchRules,
            "tagging": TaggingRules,
            "removal": RemovalRules,
            "look-alikes": LookAlikes,
            "gate": GateRules,
        }
        model = tables[str(fault["loc"][0])] if len(fault["loc"]) > 1 else Protocol
        known = [field.alias or name for name, field in model.model_fields.items()]
        return f"{where}: no such key.{nearest(str(fault['loc'][-1]), known)}"
    if fault["type"] == "missing":
        return f"{where}: is missing"
    return f"{where}: {fault['msg']}, got {fault['input']!r}"


def _metric_faults(table: dict[str, Any]) -> list[str]:
    """Check metric ids against what the task can compute."""
    task, metrics = table.get("task"), table.get("metrics")
    if task not in TASKS or not isinstance(metrics, list):
        return []
    offered = task_named(task).metrics
    faults = []
    parsed = []
    for text in [*metrics, table.get("headline", "")]:
        try:
            metric = Metric.parse(str(text))
        except ValueError as reason:
            faults.append(f"metrics: {reason}")
            continue
        parsed.append(metric)
        options = tuple(name for name, _ in metric.options)
        if metric.name not in offered:
            faults.append(
                f"metrics: task {task!r} has no metric {metric.name!r}."
                f"{nearest(metric.name, offered)} Known: {', '.join(offered)}"
            )
        elif options != (taken := CATALOGUE[metric.name].names):
            wanted = ",".join(f"{option}=..." for option in taken)
            faults.append(
                f"metrics: {text!r} should read {metric.name + ('@' + wanted if wanted else '')!r}"
            )
        else:
            faults += [f"metrics: {text!r}: {fault}" for fault in _option_faults(metric)]
    if parsed and parsed[-1] not in parsed[:-1] and not faults:
        faults.append("headline: is not among the metrics")
    return sorted(set(faults), key=faults.index)


def _option_faults(metric: Metric) -> list[str]:
    """Check that ranks and the like count from 1, and that error rates are rates."""
    faults = []
    for option, value in metric.options:
        if option in _COUNTS and (not isinstance(value, int) or not 1 <= value <= MOST_RANKS):
            faults.append(f"{option} is a whole number from 1 to {MOST_RANKS:,}, got {value!r}")
        if option in _RATES and (isinstance(value, str) or not 0 <= value <= 1):
            faults.append(f"{option} is a share from 0 to 1, got {value!r}")
    return faults
