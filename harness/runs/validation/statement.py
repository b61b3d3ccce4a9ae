"""What only people know of a test: the table ``[statement]`` of a file of criteria."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from harness.tasks.protocol import Table

Words = Annotated[str, Field(max_length=4000)]


class Statement(Table):
    """Sentences that no run can know, each under its own key; empty where nothing is stated.

    Parameters
    ----------
    laboratory, author, date
        Who validates, and when.
    purpose
        What the method is to be used for, and by whom.
    propositions
        The two statements between which a likelihood ratio weighs.
    system
        Product, supplier and version, where the algorithm's name does not say it.
    operator
        Who carries it out, and what people decide in it.
    population
        Whom the data stands for: people, region, years.
    casework
        In what the data is like the cases that are met, and in what it is not.
    cameras
        Sensors, and the circumstances of capture.
    source
        Where the data comes from.
    consent
        Legal basis, consent, ethical approval.
    selection
        How images were chosen, and which were left out.
    known_to_developer
        What the developer knew of the data (``known-to-developer``).
    overlap
        Whether images, people or designs may be among what was learned from.
    attempts
        Attempts allowed, and how a picture was presented.
    quality_gates
        What was refused before it came to the algorithm (``quality-gates``).
    time_limits
        Limits of time beside those of the protocol (``time-limits``).
    order
        Order of searches, and how galleries were put together, where the protocol does not say it.
    deviations
        From the protocol and from the plan.
    limits
        For what the result must not be used.
    decision
        What is decided on the result, and by whom.
    """

    laboratory: Words = ""
    author: Words = ""
    date: Words = ""
    purpose: Words = ""
    propositions: Words = ""
    system: Words = ""
    operator: Words = ""
    population: Words = ""
    casework: Words = ""
    cameras: Words = ""
    source: Words = ""
    consent: Words = ""
    selection: Words = ""
    known_to_developer: Annotated[Words, Field(alias="known-to-developer")] = ""
    overlap: Words = ""
    attempts: Words = ""
    quality_gates: Annotated[Words, Field(alias="quality-gates")] = ""
    time_limits: Annotated[Words, Field(alias="time-limits")] = ""
    order: Words = ""
    deviations: Words = ""
    limits: Words = ""
    decision: Words = ""

    def stated(self) -> dict[str, str]:
        """Return what is stated, by its key in the file."""
        found = {
            f.alias or name: getattr(self, name) for name, f in type(self).model_fields.items()
        }
        return {key: text for key, text in found.items() if text.strip()}
