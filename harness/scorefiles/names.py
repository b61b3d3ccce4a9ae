"""Names in score files: which probe and which reference of which fold a line speaks of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.data.paths import canonical
from harness.data.records import Fold, Record
from harness.scorefiles.faults import Faults, quoted

__all__ = ["Names"]


class Names:
    """The probes and references that a file may speak of.

    A name that is written differently but means the same (Unicode normal forms, ``./``) is found.
    A name of the data set that these folds do not ask about is passed over and counted: files
    often hold more than one question's answers. Any other name is a fault.

    Parameters
    ----------
    folds
        That the file is about.
    records
        Of the data set, for what else its names are.
    faults
        Where unknown names go.
    """

    def __init__(
        self, folds: Sequence[Fold], records: Mapping[str, Record], faults: Faults
    ) -> None:
        self.folds, self.faults = folds, faults
        self.passed_over = 0
        self._rows: dict[str, list[tuple[int, int]]] = {}
        for number, fold in enumerate(folds):
            for row, name in enumerate(fold.probes):
                self._rows.setdefault(name, []).append((number, row))
        self._columns = [{name: j for j, name in enumerate(fold.gallery)} for fold in folds]
        self._known = {name for fold in folds for name in (*fold.train, *fold.gallery)}
        self._known.update(records, self._rows)
        self._identities: dict[str, list[str]] = {}
        for name, record in records.items():
            for identity in {record.tattoo, record.group, record.subject} - {None}:
                self._identities.setdefault(str(identity), []).append(name)

    def probe(self, text: str, place: str) -> Sequence[tuple[int, int]]:
        """Return where a probe stands, as pairs (fold, row); nowhere if it is not asked about.

        Parameters
        ----------
        text
            The name as the file writes it.
        place
            ``file:line``.
        """
        rows = self._rows.get(text) or self._rows.get(canonical(text))
        if rows is not None:
            return rows
        if self._is_known(text):
            self.passed_over += 1
        else:
            self.faults.unknown(place, "a probe", text, self._rows)
        return ()

    def column(self, fold: int, text: str) -> int | None:
        """Return the column of a reference in a fold, or None if that fold does not search it.

        Parameters
        ----------
        fold
            Number of the fold.
        text
            The name as the file writes it.
        """
        column = self._columns[fold].get(text)
        return self._columns[fold].get(canonical(text)) if column is None else column

    def not_searched(self, fold: int, text: str, place: str, *, strict: bool) -> None:
        """Deal with a reference that a fold does not search.

        Parameters
        ----------
        fold, text
            As for `column`.
        place
            ``file:line``.
        strict
            Whether it is a fault even if the data set has an image of that name: in a candidate
            list it takes the rank of another.
        """
        if not self._is_known(text):
            self.faults.unknown(place, "a reference", text, self._columns[fold])
        elif strict:
            self.faults.add(
                "references that are not searched",
                place,
                f"{quoted(text)} is not in the gallery of fold {self.folds[fold].name}, "
                "in which this probe searches",
            )
        else:
            self.passed_over += 1

    def model(self, fold: int, text: str, place: str) -> int | None:
        """Return the column of the reference that a model or client of bob stands for.

        That is the reference of this name, or else the only reference in the fold's gallery whose
        tattoo, group or subject is called so. None if the fold does not search it, after dealing
        with that.

        Parameters
        ----------
        fold, text
            As for `column`.
        place
            ``file:line``.
        """
        column = self.column(fold, text)
        if column is not None:
            return column
        names = self._identities.get(text)
        if names is None:
            self.not_searched(fold, text, place, strict=False)
            return None
        found = [self._columns[fold][name] for name in names if name in self._columns[fold]]
        if len(found) == 1:
            return found[0]
        if not found:
            self.passed_over += 1
            return None
        self.faults.add(
            "identities with several references",
            place,
            f"{quoted(text)} has {len(found)} references in the gallery of fold "
            f"{self.folds[fold].name}; name the reference instead (5 columns do, as model-label)",
        )
        return None

    def _is_known(self, text: str) -> bool:
        return text in self._known or canonical(text) in self._known
