"""What a protocol says: a question, the data it is asked on, and how answers are measured."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny

from harness.metrics.ids import Metric

Need = Literal[
    "two-pictures", "media", "regions", "both-labels", "other-subjects", "other-captures"
]
"""What a question may need of a data set; each is looked for by `harness.tasks.needs`."""


MOST_METRICS, MOST_RANKS, MOST_DRAWS = 100, 100_000, 10_000
"""More than any real question needs. A protocol in a run folder is untrusted, and could ask for so
much that its reader waits for ever."""


class Table(BaseModel):
    """A table of a protocol's file: known keys alone, and no value that is infinite or NaN."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=False, allow_inf_nan=False
    )

    @classmethod
    def of(cls, protocol: Protocol) -> Self:
        """Return the protocol's rules for its own question; defaults where it states none.

        Raises
        ------
        TypeError
            If the protocol asks another question.
        """
        if type(protocol.rules) is Table:
            return cls()
        if not isinstance(protocol.rules, cls):
            raise TypeError(f"the rules of {protocol.task!r} are no {cls.__name__}")
        return protocol.rules


class DataRules(Table):
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


class FoldRules(Table):
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


class LookAlikes(Table):
    """What a protocol that goes by ``tattoo`` asks where a data set knows groups alone.

    Parameters
    ----------
    title, question
        In the place of the protocol's own.
    """

    title: str
    question: str


class GateRules(Table):
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


Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class LimitRules(Table):
    """Seconds that one operation may take: what takes longer is counted and said, and stays.

    Parameters
    ----------
    template
        To make a template, of a probe or a reference.
    finalise
        To make a gallery ready.
    search
        To search a gallery once, or to compare a probe with all references.
    detect, tag, segment, remove
        To answer for one image.
    """

    template: Seconds | None = None
    finalise: Seconds | None = None
    search: Seconds | None = None
    detect: Seconds | None = None
    tag: Seconds | None = None
    segment: Seconds | None = None
    remove: Seconds | None = None

    def by_operation(self) -> dict[str, float]:
        """Return the limits by the names under which operations are timed."""
        named = {one: getattr(self, one) for one in type(self).model_fields}
        named |= dict.fromkeys(("extract", "enrol", "describe_text"), self.template)
        named["compare"] = self.search
        del named["template"]  # under which bytes are kept
        return {name: seconds for name, seconds in named.items() if seconds is not None}


Reason = Annotated[str, Field(min_length=1, pattern=r"\S")]


class CheckRules(Table):
    """What of `harness.record.checks` is not to be heard of this protocol's runs.

    Parameters
    ----------
    silence
        Why, by the code of a check; pages show the reason in the place of the warning.
    """

    silence: Annotated[dict[str, Reason], Field(max_length=MOST_METRICS)] = {}


class Protocol(Table):
    """One protocol: a question, the data it is asked on, and how answers are measured.

    Parameters
    ----------
    version
        Raised by its author with every change that can change a number.
    title, question, reference
        For people: name, the question in words, and the document it follows.
    task
        Kind of question: a name of `harness.tasks.kinds`.
    headline
        Id of the one metric that ranks.
    metrics
        Ids of all metrics reported, the headline among them.
    ranks
        Highest rank of the CMC.
    threshold
        Detection: the decision is "tattoo" at this score and above; of an image, or of a pixel.
    rules
        The task's own table, which is named after the task: of the class that the task says.
    look_alikes
        Words for data whose mates are look-alikes (``look-alikes``); without them such data is
        refused where the protocol goes by ``tattoo``.
    gate
        What `harness gate` tolerates; without it the command line has to say.
    limits
        What one operation may take.
    checks
        What is silenced of what runs are checked for, and why.
    """

    version: Annotated[int, Field(ge=1)]
    title: str
    question: str
    reference: str = ""
    task: str
    headline: str
    metrics: Annotated[tuple[str, ...], Field(max_length=MOST_METRICS)]
    ranks: Annotated[int, Field(ge=1, le=MOST_RANKS)] = 50
    threshold: float = 0.5
    data: DataRules
    folds: FoldRules = FoldRules()
    rules: SerializeAsAny[Table] = Table()
    look_alikes: Annotated[LookAlikes | None, Field(alias="look-alikes")] = None
    gate: GateRules | None = None
    limits: LimitRules | None = None
    checks: CheckRules = CheckRules()

    @property
    def metric_ids(self) -> tuple[Metric, ...]:
        """The metrics, parsed."""
        return tuple(Metric.parse(text) for text in self.metrics)

    @property
    def headline_id(self) -> str:
        """Canonical text of the headline metric."""
        return str(Metric.parse(self.headline))
