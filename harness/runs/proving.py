"""What a folder proves, and what it does not: its files, its numbers, who signed it, what for."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import HarnessError, shortened, some, visible
from harness.errors.absent import NotInstalled
from harness.record import record
from harness.record.evidence import disclosure
from harness.record.evidence.envelope import Envelope, read_envelope
from harness.record.evidence.preregistration import read_preregistration
from harness.record.evidence.signing import is_signed_by
from harness.record.evidence.statement import Statement, again, differences, read_statement
from harness.record.evidence.validated import faults as validation_faults
from harness.record.evidence.validated import validation_in
from harness.record.joined import fits_of, is_joined
from harness.record.manifest import Origin
from harness.record.verifying import verify_run
from harness.reporting.wording import kept_from
from harness.runs.joining import faults as joined_faults
from harness.tasks.results import Judgement

__all__ = ["Proof", "faults_of", "proof_of"]

LISTED = 10
"""Candidates of a disclosed search that are named."""


@dataclass(frozen=True)
class Proof:
    """What came of looking at a folder.

    Parameters
    ----------
    folder
        That was looked at.
    summary
        What it is, where nothing is wrong with it; continues a sentence.
    faults
        What is wrong with it, in sentences; nothing else counts where there is one.
    facts
        What kept an algorithm from the truth; of a disclosed search, the search.
    proved, open
        What follows from the folder alone, and what does not.
    """

    folder: Path
    summary: str
    faults: list[str] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)
    proved: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


def is_other(folder: Path) -> bool:
    """Say whether a sealed folder holds no run: the pages of a validation, for example."""
    if not (folder / record.CHECKSUMS).is_file() or is_joined(folder):
        return False
    of_runs = {record.MANIFEST, record.PROTOCOL, record.TRUTH}
    if any(os.path.lexists(folder / name) for name in (*of_runs, "units")):
        return False
    return not of_runs & record.read_checksums(folder).keys()


def faults_of(folder: Path) -> list[str]:
    """Return what is wrong with a sealed folder, whoever signed it; nothing if it is whole.

    Raises
    ------
    HarnessError
        If it cannot be read.
    """
    if is_joined(folder):
        return joined_faults(folder)
    return record.changed_files(folder) if is_other(folder) else verify_run(folder)


def proof_of(folder: Path, public: str = "", beside: Sequence[Path] = ()) -> Proof:
    """Look at a folder: of a run, of an entry, of a disclosed search, or any other with checksums.

    Parameters
    ----------
    public
        Public key that it has to be signed with, 32 bytes in hexadecimal; any, or none, if empty.
    beside
        Other folders that are at hand: a validation is made again from the runs among them.

    Raises
    ------
    HarnessError
        If it is no such folder, or cannot be read.
    """
    if disclosure.is_disclosure(folder) and not os.path.lexists(folder / record.CHECKSUMS):
        return _of_disclosure(folder, public)
    found = faults_of(folder)
    is_sealed = not found
    other = is_other(folder)
    rest = "every file is as it was sealed" if other else "its numbers follow from its scores"
    proof = Proof(folder, f"whole, and {rest}", found)
    if is_sealed and other:
        _say_validation(proof, beside)
    elif is_sealed:
        manifest = record.read_manifest(fits_of(folder)[0])
        proof.facts.extend(kept_from(manifest))
        if os.path.lexists(folder / record.PREREGISTRATION):
            _say_preregistration(proof, manifest.origin)
    if not os.path.lexists(folder / record.ATTESTATION):
        if public:
            proof.faults.append(f"{record.ATTESTATION}: is missing: nobody signed the folder")
        proof.open.append("who made it, since nobody signed it: harness attest does")
        return proof
    statement, checked = _signed(proof, public)
    if statement is None or not is_sealed:
        return proof
    changed = list(differences(statement, again(folder, statement)))
    proof.faults.extend(f"{record.ATTESTATION}: {one}" for one in changed)
    if changed:
        proof.faults.append(
            f"{record.ATTESTATION}: the folder was written again after it was signed, if nobody "
            "changed it; whoever signed it can sign it again"
        )
        return proof
    if not proof.faults:
        _say_what_is_signed(proof, statement, checked=checked)
    return proof


def _say_validation(proof: Proof, beside: Sequence[Path]) -> None:
    """Hold a validation against its own criteria, and against its runs where they are at hand."""
    about = validation_in(proof.folder)
    if about is None:
        return
    proof.faults.extend(validation_faults(proof.folder, about))
    if proof.faults:
        return
    at_hand = _runs_among(beside)
    runs = [at_hand.get((one.identity, one.result)) for one in about.runs]
    there = [one for one in runs if one is not None]
    if len(there) < len(runs):
        lacking = [o.identity[:10] for o, at in zip(about.runs, runs, strict=True) if at is None]
        proof.open.append(
            f"that its verdicts follow from its runs: name {visible(', '.join(lacking))} beside "
            "it, and they are made again"
        )
        return
    from harness.runs.validation import rederiving  # of which nothing else here needs anything

    proof.faults.extend(rederiving.faults(proof.folder, there))
    if proof.faults:
        return
    rows = some(len(about.rows), "verdict follows", "verdicts follow")
    proof.proved.append(f"its {rows} from {some(len(runs), 'run')} named beside it")
    proof.open.append("that its page says no more than its numbers, which were made again")
    before = dict.fromkeys(one.preregistration for one in about.runs if one.preregistration)
    proof.proved.extend(f"its criteria are those of preregistration {digest}" for digest in before)
    without = [one.identity[:10] for one in about.runs if not one.preregistration]
    if without:
        proof.open.append(
            f"that its criteria are older than {visible(', '.join(without))}: nothing was written "
            "down before"
        )


def _runs_among(folders: Sequence[Path]) -> dict[tuple[str, str], Path]:
    """Return run folders by the hashes of their recipe and of their result."""
    found = {}
    for folder in folders:
        with suppress(HarnessError):
            manifest = record.read_manifest(folder)
            found[manifest.identity, manifest.result_hash] = folder
    return found


def _signed(proof: Proof, public: str) -> tuple[Statement | None, bool]:
    """Return the statement beside a folder, and whether it is signed; note whose signature it is.

    One that cannot be checked here is not taken for a signature.
    """
    place = proof.folder / record.ATTESTATION
    try:
        envelope = read_envelope(proof.folder, record.ATTESTATION)
        statement = read_statement(place, envelope.content)
    except HarnessError as reason:
        proof.faults.append(str(reason))
        return None, False
    key = statement.predicate.key
    if public and key != public:
        proof.faults.append(
            f"{record.ATTESTATION}: is signed with key {visible(key)}, not with {public}"
        )
        return statement, False
    return statement, _check_signature(proof, envelope, key, asked=bool(public))


def _check_signature(proof: Proof, envelope: Envelope, key: str, *, asked: bool) -> bool:
    """Say whether a signature is that of a key, and note it."""
    try:
        good = is_signed_by(envelope, key)
    except NotInstalled as reason:
        if asked:
            raise
        proof.open.append(f"the signature, which was not checked: {reason}")
        return False
    if not good:
        proof.faults.append(
            f"{record.ATTESTATION}: the signature is not that of key {visible(key)} over what it "
            "holds"
        )
        return False
    whose = f"{key}, the one that it has to be" if asked else key
    proof.proved.append(f"it was signed, byte for byte, with the private key of {whose}")
    if not asked:
        proof.open.append(
            "whose key that is: hold it against what the signer published, or give that: --key FILE"
        )
    return True


def _say_what_is_signed(proof: Proof, statement: Statement, *, checked: bool) -> None:
    about = statement.predicate
    if about.searches is not None and checked:
        covered = [f"{some(about.searches.count, 'search', 'searches')} one by one"]
        if about.pictures is not None:
            covered.append(f"the hashes of {some(about.pictures.count, 'picture')}")
            proof.open.append(
                "that these pictures are those of the run: harness attest held them against its "
                "data hash when it signed"
            )
        proof.proved.append(
            f"the signature covers {' and '.join(covered)}: harness disclose shows one search "
            "without the others"
        )
    if about.no_pictures:
        why = visible(shortened(about.no_pictures))
        proof.open.append(f"which pictures were searched: {why}")
    proof.open.append(f"when it was signed: {visible(about.signed)} is the signer's clock")
    if about.run is not None:
        proof.open.append(
            "that the algorithm made these scores, and that no other run was made and kept back: "
            "the signer answers for the one, the same command again shows the other"
            if not about.run.imported
            else "where the scores come from: they were imported"
        )


def _say_preregistration(proof: Proof, origin: Origin) -> None:
    said, _ = read_preregistration(proof.folder, record.PREREGISTRATION)
    fixed = [some(len(said.criteria.rows), "criterion", "criteria"), "protocol", "data"]
    if said.algorithm is not None:
        fixed += ["algorithm", "parameters"]
    fixed += ["seed"] * (said.seed is not None)
    listed = ", ".join(fixed[:-1]) + f" and {fixed[-1]}"
    proof.proved.append(
        f"{listed} of the run are those of preregistration {origin.preregistration}: for "
        "whoever knew that digest before the run, none of them was changed since"
    )
    if said.algorithm is not None and said.algorithm.source_sha256 != origin.source_hash:
        proof.open.append(
            "that the source of the algorithm is the one that was written down: it loaded files "
            "while it worked, which are in the hash of the run alone; the harness compared the rest"
        )
    proof.open.append(
        f"that the preregistration is older than the run: {visible(said.noted)} is the clock of "
        "the machine that wrote it. A digest that was published, or given to a witness, shows it"
    )


def _of_disclosure(folder: Path, public: str) -> Proof:
    """Look at a search that was disclosed."""
    proof = Proof(folder, "one search of a signed run, with its proof")
    try:
        disclosed = disclosure.read_disclosure(folder)
    except HarnessError as reason:
        proof.faults.append(str(reason))
        disclosed = None
    statement, _ = _signed(proof, public)
    if disclosed is None or statement is None:
        return proof
    proof.faults.extend(disclosure.faults(folder, disclosed, statement))
    about = statement.predicate
    if proof.faults or about.run is None or about.searches is None:
        return proof
    search = disclosed.search
    proof.facts.extend(_lines(search, disclosed.place, about.searches.count))
    run = about.run
    proof.proved.append(
        f"this is a search of the run {run.identity[:10]} ({visible(run.protocol.name)}, "
        f"{visible(run.algorithm.name)}), and its scores are those that were signed"
    )
    if disclosed.pictures:
        them = "picture is one" if len(disclosed.pictures) == 1 else "pictures are among those"
        proof.proved.append(f"{len(disclosed.pictures)} {them} whose hashes were signed")
    if about.pictures is not None:
        lacking = {search.probe, *(c.reference for c in search.candidates)}
        lacking -= {one.name for one in disclosed.pictures}
        if lacking:
            proof.open.append(
                f"what is to be seen on {some(len(lacking), 'picture')} that it names"
            )
    else:
        proof.open.append("what is to be seen on the pictures that it names: none was signed")
    if search.gallery > len(search.candidates):
        proof.open.append(
            f"the scores of references beyond the first {len(search.candidates):,} of "
            f"{search.gallery:,}: a rank among them is the signer's word"
        )
    proof.open.append(f"when it was signed: {visible(about.signed)} is the signer's clock")
    proof.open.append(
        "that the numbers of the run follow from its scores: that takes the folder of the run"
    )
    return proof


def _lines(search: Judgement, place: int, count: int) -> Iterator[str]:
    """Yield a search for people."""
    probe, fold = visible(search.probe), visible(search.fold)
    yield f"search {place + 1:,} of {count:,}: {probe} in fold {fold}"
    if search.failed:
        yield "the algorithm gave up on the probe"
    if search.gallery:
        rank = "no mate found" if search.rank is None else f"best mate at rank {search.rank:,}"
        mates = some(search.mates, "mate")
        yield f"{rank if search.mates else 'without a mate'}; {mates} among {search.gallery:,}"
    elif search.score is not None:
        yield f"score {search.score!r}"
    for number, one in enumerate(search.candidates[:LISTED], start=1):
        score = "no score" if one.score is None else repr(one.score)
        yield f"{number}. {visible(one.reference)}: {score}{', a mate' if one.mated else ''}"
    if len(search.candidates) > LISTED:
        yield f"and {len(search.candidates) - LISTED:,} more, in {disclosure.DISCLOSURE}"
