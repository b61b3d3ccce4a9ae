"""Runs logged into an MLflow tracking store: a SQLite file and a folder of artifacts.

It is written by MLflow's own client, in a form that the installed version reads. MLflow 3.17
refuses stores of plain files, so that the store is a database. Nothing is sent anywhere: its
telemetry is switched off, and the store lies in a folder.

==========  ========================================================================================
experiment  the protocol and the data set
run         one for each run folder; each fit of a joined entry below a run of the entry
params      ``algorithm``, ``protocol``, ``failure-policy``, ``folds`` and each parameter of the
            algorithm as ``param.NAME``
metrics     each metric, and ``NAME.low``, ``NAME.high``, ``NAME.chance``, ``NAME.n`` where known.
            Of an id ``@`` and ``,`` are ``/``, and ``=`` is ``_``: ``hit-rate/rank_10``
tags        ``harness.identity``, ``.result-hash``, ``.source-hash``, ``.data-hash``, ``.commit``,
            ``.command``, ``.headline``, ``.synthetic``
artifacts   ``metrics.json``, ``manifest.json``, ``protocol.toml``, ``report.html``, ``curves.json``
==========  ========================================================================================
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from harness.data.marker import stated_in
from harness.errors import UsageError
from harness.errors.absent import NotInstalled, imported, is_absent
from harness.record import record
from harness.record.joined import is_joined, read_joined
from harness.record.manifest import Manifest, value_text
from harness.record.run_tables import RunTables

__all__ = ["ARTIFACTS", "STORE", "log_runs", "metric_key", "store_uri"]

STORE, ARTIFACTS = "mlflow.db", "artifacts"
BATCH = 100
"""Values that MLflow takes at once."""

LONGEST_PARAM, LONGEST_TAG, LONGEST_KEY = 6000, 8000, 250
"""Characters that MLflow keeps of a value and of a key."""

_FILES = (record.METRICS, record.MANIFEST, record.PROTOCOL, record.REPORT, record.CURVES)
_KEY = re.compile(r"[^\w\-. /]")


def store_uri(out: Path) -> str:
    """Return the address of the store in a folder."""
    return f"sqlite:///{(out / STORE).resolve()}"


def metric_key(metric: str) -> str:
    """Return what a metric is called in MLflow, which has few signs for it.

    >>> metric_key("fnir@fpir=0.01,rank=1")
    'fnir/fpir_0.01/rank_1'
    """
    return _KEY.sub("_", metric.replace("@", "/").replace(",", "/").replace("=", "_"))[:LONGEST_KEY]


def log_runs(folders: Sequence[Path], out: Path) -> Iterator[str]:
    """Log runs, and entries that join several, into the store in a folder.

    Parameters
    ----------
    folders
        Of finished runs.
    out
        A new or an empty folder, or one that such a store lies in.

    Yields
    ------
    str
        A line for each run that was logged.

    Raises
    ------
    UsageError
        If a folder is not a run, or is in the store already; if `out` holds something else; if
        MLflow is not installed.
    Damaged
        If a run is unfinished, or changed since it was written.
    """
    if out.exists() and not (out / STORE).is_file() and not _is_empty(out):
        raise UsageError(f"{out} is no MLflow store of ours (it has no {STORE}); name a new folder")
    client_class, entities = _mlflow()
    tables = [RunTables(folder) for folder in folders]
    for run in (run for entry in tables for run in entry.runs):
        record.check_sources(run)
    out.mkdir(parents=True, exist_ok=True)
    client = client_class(tracking_uri=store_uri(out), registry_uri=store_uri(out))
    store = _Store(client, entities, out)
    known = [store.known(one) for one in tables]
    for entry, run_id in zip(tables, known, strict=True):
        if run_id:
            raise UsageError(f"{entry.folder} is in {out} already, as run {run_id}")
    return store.log_all(tables)


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and not any(folder.iterdir())


def _mlflow() -> tuple[Any, Any]:
    """Import MLflow's client and entities, with nothing sent and little said."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    absent = [one for one in ("mlflow", "sqlalchemy", "alembic") if is_absent(one)]
    if absent:
        raise NotInstalled("--format mlflow", absent)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    return imported("mlflow", "--format mlflow").MlflowClient, imported(
        "mlflow.entities", "--format mlflow"
    )


class _Store:
    """A tracking store that runs are logged into."""

    def __init__(self, client: Any, entities: Any, out: Path) -> None:
        self.client, self.entities, self.out = client, entities, out

    def known(self, tables: RunTables) -> str:
        """Return the id of a run that is in the store already, or nothing."""
        experiment = self.client.get_experiment_by_name(_experiment(tables.manifests[0]))
        if experiment is None:
            return ""
        wanted = " and ".join(f"tags.`{key}` = '{value}'" for key, value in _who(tables).items())
        found = self.client.search_runs([experiment.experiment_id], filter_string=wanted)
        return str(found[0].info.run_id) if found else ""

    def log_all(self, tables: Sequence[RunTables]) -> Iterator[str]:
        """Log runs one after another; the fits of an entry stand below it."""
        for one in tables:
            run_id = self.log(one)
            yield f"{one.folder}: run {run_id}"
            if not is_joined(one.folder):
                continue
            for fit in one.runs:
                yield f"{fit}: run {self.log(RunTables(fit), parent=run_id)}"

    def log(self, tables: RunTables, parent: str = "") -> str:
        """Log one run, and return its id."""
        manifest = tables.manifests[0]
        tags = _tags(tables) | ({"mlflow.parentRunId": parent} if parent else {})
        run = self.client.create_run(
            self._experiment(manifest),
            start_time=_milliseconds(manifest.started),
            run_name=tables.folder.resolve().name,
            tags={key: value[:LONGEST_TAG] for key, value in tags.items()},
        )
        run_id = str(run.info.run_id)
        ended = _milliseconds(manifest.finished)
        params = [
            self.entities.Param(key, value[:LONGEST_PARAM])
            for key, value in _params(tables).items()
        ]
        metrics = [
            self.entities.Metric(key, value, ended, 0) for key, value in _metrics(tables).items()
        ]
        for i in range(0, max(len(params), len(metrics)), BATCH):
            self.client.log_batch(run_id, metrics[i : i + BATCH], params[i : i + BATCH])
        for name in tables.kept(_FILES):
            self.client.log_artifact(run_id, str(tables.folder / name))
        self.client.set_terminated(run_id, status="FINISHED", end_time=ended)
        return run_id

    def _experiment(self, manifest: Manifest) -> str:
        name = _experiment(manifest)
        found = self.client.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        place = (self.out / ARTIFACTS).resolve().as_uri()
        return str(self.client.create_experiment(name, artifact_location=place))


def _experiment(manifest: Manifest) -> str:
    return f"{manifest.origin.protocol} on {manifest.dataset['name']}"[:LONGEST_KEY]


def _who(tables: RunTables) -> dict[str, str]:
    """Return what tells a run from all others."""
    if is_joined(tables.folder):
        return {"harness.entry": read_joined(tables.folder).hash}
    (manifest,) = tables.manifests
    return {"harness.identity": manifest.identity, "harness.result-hash": manifest.result_hash}


def _tags(tables: RunTables) -> dict[str, str]:
    manifest = tables.manifests[0]
    origin = manifest.origin
    return {
        **_who(tables),
        "harness.source-hash": origin.source_hash,
        "harness.data-hash": origin.data_hash,
        "harness.protocol-hash": origin.protocol_hash,
        "harness.task": manifest.task,
        "harness.headline": tables.summary.headline,
        "harness.synthetic": stated_in(manifest.dataset),
        "harness.control": value_text(manifest.control),
        "harness.command": manifest.command,
        "harness.commit": str(manifest.git.get("commit", "")),
        "mlflow.source.git.commit": str(manifest.git.get("commit", "")),
        "mlflow.note.content": f"{manifest.title}: {manifest.question}",
    }


def _params(tables: RunTables) -> dict[str, str]:
    origin = tables.manifests[0].origin
    found = {
        "algorithm": origin.algorithm,
        "protocol": origin.protocol,
        "failure-policy": origin.failure_policy,
        "folds": value_text(origin.folds),
    }
    if is_joined(tables.folder):
        found["fits"] = str(len(tables.runs))
    for name, value in origin.parameters.items():
        if not (name == "seed" and len(tables.runs) > 1):
            found[f"param.{_KEY.sub('_', name)}"[:LONGEST_KEY]] = value_text(value)
    return found


def _metrics(tables: RunTables) -> dict[str, float]:
    found: dict[str, float] = {}
    for metric, estimate in tables.summary.pooled.items():
        values = {"": estimate.value, ".low": estimate.low, ".high": estimate.high}
        values |= {".chance": estimate.chance, ".n": float(estimate.n)}
        key = metric_key(metric)
        if key in found:
            raise UsageError(f"two metrics are called {key!r} in MLflow, one of them {metric!r}")
        found |= {key + end: value for end, value in values.items() if value is not None}
    return found


def _milliseconds(moment: str) -> int | None:
    try:
        return int(datetime.fromisoformat(moment).timestamp() * 1000)
    except ValueError:
        return None
