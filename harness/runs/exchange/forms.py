"""Every format that a run is exported in: what is written, of which runs, and for whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = ["FORMS", "Form"]

Kind = Literal["scores", "tables", "tracking", "model", "board"]


@dataclass(frozen=True)
class Form:
    """A format.

    Parameters
    ----------
    kind
        What is written: raw scores alone, all tables, runs in a tracking store, a model, or a table
        of several runs.
    about
        One line: what is written, and of which runs.
    reader
        Who reads it.
    several
        Whether one command takes several runs.
    """

    kind: Kind
    about: str
    reader: str
    several: bool = False


FORMS: Mapping[str, Form] = {
    "csv": Form(
        "tables", "every table of any run as CSV, with what each column is", "Frictionless"
    ),
    "parquet": Form("tables", "the same tables as Parquet, with their types", "pandas, Arrow"),
    "croissant": Form(
        "tables", "the same as a data set of MLCommons: Parquet and its description", "mlcroissant"
    ),
    "mlflow": Form(
        "tracking",
        "parameters, metrics, report of any runs into an MLflow store",
        "MLflow",
        several=True,
    ),
    "tatt-c": Form("scores", "candidate lists of a search, or the scores of a detection", "NIST"),
    "nist": Form("scores", "NIST's logs of searches or detections, and of templates", "NIST"),
    "bob-4": Form("scores", "scores of comparisons, four columns", "bob.bio, bob.measure"),
    "bob-5": Form("scores", "scores of comparisons, five columns", "bob.bio, bob.measure"),
    "npy": Form("scores", "scores of comparisons as a matrix for each fold", "NumPy"),
    "pyeer": Form("scores", "mated and non-mated scores, a line each", "PyEER"),
    "onnx": Form("model", "the model that one fold of a run learned", "ONNX Runtime"),
    "aigtatt": Form(
        "board",
        "AIGTatt's 14 columns of runs of verification, open and closed set",
        "AIGTatt",
        several=True,
    ),
}
"""Formats by name, in the order in which they are shown."""
