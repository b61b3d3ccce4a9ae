"""The section on what was run: on what, with which versions, how much of it, how long it took."""

from __future__ import annotations

from collections import Counter

from harness.record.manifest import Manifest, value_text
from harness.reporting import wording
from harness.reporting.sections.section import Section, SectionInput, filled_from
from harness.reporting.tables import Table
from harness.tasks.results import Outcome


def section(run: SectionInput) -> Section:
    """Return the section."""
    content = filled_from(
        "facts",
        manifest=run.manifest,
        run=_run_facts(run.manifest),
        counts=_counts(run.manifest, run.outcome),
        steps=_step_table(run.manifest),
    )
    return Section("run", "What was run", content)


def _imported(manifest: Manifest) -> list[tuple[str, str]]:
    """Return what is known of scores that no algorithm of ours computed; nothing for our own."""
    imported = manifest.imported
    if imported is None and manifest.lists is not None:
        return [("Candidates asked for", value_text(manifest.lists))]
    if imported is None:
        return []
    missing = [f"{name} (fold {fold})" for fold, name in imported.missing]
    more = f" and {len(missing) - 20} more" if len(missing) > 20 else ""
    return [
        ("Files", imported.files),
        ("Formats", value_text(imported.forms)),
        ("Candidates asked for", value_text(imported.depth)),
        ("Missing probes, each a miss", ", ".join(missing[:20]) + more),
        ("Notes", "; ".join(imported.notes)),
    ]


def _counts(manifest: Manifest, outcome: Outcome) -> Table:
    """Return what was counted; what the data set holds stands below what was judged."""
    counts = dict(outcome.metrics.counts)
    same_source = sum(s.same_source for s in outcome.searches)
    if same_source:
        counts["searches whose best mate shows the same photograph"] = same_source
    rows = [(wording.plain(key), wording.count(value)) for key, value in counts.items()]
    rows += [
        (f"{wording.plain(key)} (data set)", wording.count(value))
        for key, value in manifest.counts.items()
        if key not in counts or counts[key] != value
    ]
    return Table("Counts", ("What", "Number"), tuple(rows))


def _run_facts(manifest: Manifest) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return what was run as groups of names and values."""
    origin = manifest.origin
    # The absolute path names the user's machine and account; what was typed says enough.
    dataset = {k: v for k, v in manifest.dataset.items() if k not in ("synthetic", "path")}
    git = [(wording.plain(k), value_text(v)) for k, v in manifest.git.items() if k != "dirty"]
    if manifest.git:
        git.append(("Uncommitted changes", value_text(manifest.git.get("dirty"))))
    groups = [
        (
            "Protocol",
            [
                ("Name", origin.protocol),
                ("Question", manifest.question),
                ("After", manifest.reference),
                ("Task", manifest.task),
                ("Folds", value_text(origin.folds)),
                ("SHA-256 of the file", origin.protocol_hash),
            ],
        ),
        (
            "Data",
            [
                *((wording.plain(k), v) for k, v in dataset.items()),
                ("SHA-256 of images and truth", origin.data_hash),
            ],
        ),
        ("Imported scores", _imported(manifest)),
        (
            "Algorithm",
            [
                ("Name", origin.algorithm),
                ("About", manifest.about),
                ("Abilities", value_text(manifest.abilities)),
                ("Control", value_text(manifest.control)),
                ("Citation", manifest.citation),
                ("Version", origin.version),
                ("SHA-256 of the source", origin.source_hash),
                *((f"SHA-256 of {name}", value) for name, value in origin.weight_hashes.items()),
            ],
        ),
        ("Parameters", [(k, value_text(v)) for k, v in origin.parameters.items()]),
        ("Attack on the probes", _attack(manifest)),
        ("Files beside the algorithm, with their SHA-256", list(manifest.loaded.items())),
        ("Versions", list(manifest.versions.items())),
        *_environments(manifest),
        ("Source control", git),
        ("Machine", [(wording.plain(k), v) for k, v in manifest.machine.items()]),
        ("Steps by machine", _machines(manifest)),
        (
            "Run",
            [
                ("Identity", manifest.identity),
                ("Hash of the environment", manifest.environment_hash),
                ("Hash of the result", manifest.result_hash),
                ("SHA-256 of its preregistration", origin.preregistration),
                ("Learns", value_text(manifest.learns)),
                ("Identity rule", str(origin.rule)),
                ("Failure policy", origin.failure_policy),
                ("Started (UTC)", manifest.started),
                ("Finished (UTC)", manifest.finished),
            ],
        ),
    ]
    filled = ((name, [(k, v) for k, v in facts if v]) for name, facts in groups)
    return [(name, facts) for name, facts in filled if facts]


def _machines(manifest: Manifest) -> list[tuple[str, str]]:
    """Return how many steps were done on each machine, where there were several."""
    counts = Counter(step.host for step in manifest.steps if step.host)
    return [(host, str(count)) for host, count in sorted(counts.items())] if len(counts) > 1 else []


def _environments(manifest: Manifest) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return what is known of each environment that units were done in."""
    found = []
    several = len(manifest.environments) > 1
    for i, one in enumerate(manifest.environments, start=1):
        made = one.environment
        facts = [
            ("System", made.system),
            ("Processor", made.processor),
            ("Instruction sets", ", ".join(made.features)),
            ("Kernels", ", ".join(made.kernels)),
            ("Threads", str(made.threads)),
            ("Thread pools", ", ".join(made.pools)),
            ("Device", made.device),
            *made.settings.items(),
            ("Units", ", ".join(one.units) if several else ""),
        ]
        found.append((f"Environment {i}" if several else "Environment", facts))
    return found


def _attack(manifest: Manifest) -> list[tuple[str, str]]:
    """Return who retouched the probes; nothing where nobody did."""
    attack, done = manifest.origin.attack, manifest.retouched
    if attack is None or done is None:
        return []
    return [
        ("Remover", attack.algorithm),
        ("SHA-256 of its source", attack.source_hash),
        ("Its parameters", value_text(attack.parameters)),
        *((f"SHA-256 of its {name}", value) for name, value in attack.weight_hashes.items()),
        ("Learned from protocol", attack.protocol),
        ("SHA-256 of the images learned from", attack.data_hash),
        ("Probes retouched", wording.count(done.pictures)),
        ("Models fitted", wording.count(sum(n > 0 for n in done.learned))),
        ("Probes it gave up on", ", ".join(sorted(done.gave_up))),
    ]


def _step_table(manifest: Manifest) -> Table | None:
    """Return the time of every step, summed over the units of work."""
    totals: dict[str, tuple[int, int, float]] = {}
    for step in manifest.steps:
        units, items, seconds = totals.get(step.step, (0, 0, 0.0))
        totals[step.step] = (units + 1, items + step.items, seconds + step.seconds)
    if not totals:
        return None
    rows = tuple(
        (
            wording.plain(name),
            wording.count(units),
            wording.count(items),
            wording.duration(seconds),
            f"{items / seconds:,.{int(items < 100 * seconds)}f}" if seconds > 0 and items else "",
        )
        for name, (units, items, seconds) in totals.items()
    )
    columns = ("Step", "Units of work", "Items", "Time, summed", "Items per second")
    return Table("Times", columns, rows)
