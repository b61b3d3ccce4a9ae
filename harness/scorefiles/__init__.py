"""Scores without an algorithm: files that others made are judged, and ours written for others."""

from harness.scorefiles.candidates import CANDIDATE_FORMS, read_candidates
from harness.scorefiles.detections import DETECTION_FORMS, read_detections
from harness.scorefiles.distributions import ScoreLists, split_scores
from harness.scorefiles.export import EXPORT_FORMS, export_scores
from harness.scorefiles.imported import Imported, withhold, withhold_mixed
from harness.scorefiles.independent import IndependentEer, pyeer_eer
from harness.scorefiles.labelled import read_labelled
from harness.scorefiles.lists import ListedScores
from harness.scorefiles.pairs import PAIR_FORMS, read_pair, read_score_lists
from harness.scorefiles.scores import SCORE_FORMS, read_scores

__all__ = [
    "CANDIDATE_FORMS",
    "DETECTION_FORMS",
    "EXPORT_FORMS",
    "PAIR_FORMS",
    "SCORE_FORMS",
    "Imported",
    "IndependentEer",
    "ListedScores",
    "ScoreLists",
    "export_scores",
    "pyeer_eer",
    "read_candidates",
    "read_detections",
    "read_labelled",
    "read_pair",
    "read_score_lists",
    "read_scores",
    "split_scores",
    "withhold",
    "withhold_mixed",
]
