"""What is compared between groups, from what each evaluation keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from face1d_ros.evaluate.expression import CLASSES, Judged
from face1d_ros.evaluate.expression_report import sequence_rows
from face1d_ros.evaluate.expression_tracks import Answers, ExpressionTrack
from face1d_ros.evaluate.group_gaps import GAP, GROUP, ODDS, RATES, WARNING
from face1d_ros.evaluate.group_studies import expression_rows, expression_study, grouped_rows, identity_rows
from face1d_ros.evaluate.groups import Groups, read_groups
from face1d_ros.evaluate.identity_clips import Clip, Clips
from face1d_ros.evaluate.identity_judge import Compared
from face1d_ros.evaluate.identity_protocol import within_subjects
from face1d_ros.evaluate.verification import average_precision, curve
from face1d_ros.types import Phase

HAPPINESS, FEAR = CLASSES.index("happiness"), CLASSES.index("fear")
SHOWN = ((0, Phase.NEUTRAL, 30), (1, Phase.ONSET, 12), (1, Phase.APEX, 30), (1, Phase.OFFSET, 15))


def track(name: str, label: int) -> ExpressionTrack:
    """Rest and an expression, so many frames each."""
    labels, phases = (
        np.array([value for shown, phase, count in SHOWN for value in [(label * shown, int(phase))[part]] * count])
        for part in (0, 1)
    )
    return ExpressionTrack(name, 30.0, 1, {}, np.arange(len(labels)) / 30.0, labels, phases)


def judged() -> Judged:
    """Two sequences of happiness read right, two of fear taken for happiness, and speech with one false expression."""
    found = Judged()
    for number, label in enumerate((HAPPINESS, HAPPINESS, FEAR, FEAR)):
        shown = track(f"expressions/{number}", label)
        answer = np.where(shown.label == FEAR, HAPPINESS, shown.label)
        found.add(shown, Answers(answer, answer, shown.phase, shown.phase, ()))
    quiet = track("speech/0", 0)
    found.add(quiet, Answers(quiet.label, np.where(quiet.phase == Phase.APEX, FEAR, 0), quiet.phase, quiet.phase, ()))
    return found


def groups(folder: Path, text: str) -> Groups:
    path = folder / "groups.csv"
    path.write_text(text, encoding="utf-8")
    return read_groups(path)


def values(rows: list[dict[str, Any]], figure: str) -> dict[str, float]:
    return {row["group"]: row["value"] for row in rows if row["part"] == GROUP and row["figure"] == figure}


def test_the_figures_of_all_sequences_together_are_those_of_the_evaluation() -> None:
    whole = judged()
    study = expression_study("ours", whole.by_sequence)
    everything = np.ones((1, len(study.sequences)))
    found = {figure.name: float(figure.of(everything)[0]) for figure in study.figures}
    assert found["accuracy"] == whole.confusion().accuracy
    assert found["macro_f1"] == pytest.approx(whole.confusion().macro_f1)
    assert found["phase_f1"] == pytest.approx(whole.phase_f1(afterwards=False))
    assert found["false_per_min"] == pytest.approx(whole.false_per_min(("speech", "idle")))
    assert found["onset_mean_ms"] == 0.0 and found["onsets_found"] == 1.0


def test_expressions_are_read_by_group_and_each_label_is_a_decision(tmp_path: Path) -> None:
    by = groups(tmp_path, "sequence,feeling\nexpressions/0,glad\nexpressions/1,glad\nexpressions/*,afraid\n")
    rows = expression_rows(by, {"ours": judged()})
    assert values(rows, "accuracy") == {"glad": 1.0, "afraid": 0.5}
    rates = {(row["decision"], row["group"]): row for row in rows if row["part"] == RATES}
    assert {decision for decision, _ in rates} == {"neutral", "happiness", "fear"}
    assert rates["happiness", "glad"]["tpr"] == 1.0 and rates["happiness", "afraid"]["fpr"] == 0.5
    assert rates["fear", "afraid"]["tpr"] == 0.0 and np.isnan(rates["fear", "glad"]["tpr"])
    odds = {row["decision"]: row for row in rows if row["part"] == ODDS}
    assert odds["happiness"]["difference"] == 0.5
    assert any("1 of 5 sequences are in no line" in row["warning"] for row in rows if row["part"] == WARNING)


def test_every_sequence_of_expressions_has_a_row() -> None:
    rows = {row["sequence"]: row for row in sequence_rows("ours", judged())}
    assert rows["expressions/2"]["right"] == 1 and rows["expressions/2"]["judged"] == 2
    assert rows["speech/0"]["false_starts"] == 1 and rows["speech/0"]["seconds"] == pytest.approx(86 / 30)


def test_rows_of_sequences_are_averaged_model_by_model(tmp_path: Path) -> None:
    by = groups(tmp_path, "sequence,light\na,dark\nb,dark\nc,day\n")
    rows: list[dict[str, Any]] = [
        {"part": "sequence", "model": model, "sequence": name, "nme_percent": factor * value, "hidden_percent": hidden}
        for model, factor in (("ours", 1.0), ("theirs", 2.0))
        for name, value, hidden in (("a", 1.0, None), ("b", 3.0, float("nan")), ("c", 5.0, 7.0))
    ]
    found = grouped_rows(by, [*rows, {"part": "verdict", "model": "ours"}])
    assert values([row for row in found if row["model"] == "ours"], "nme_percent") == {"dark": 2.0, "day": 5.0}
    assert values([row for row in found if row["model"] == "theirs"], "nme_percent") == {"dark": 4.0, "day": 10.0}
    assert values(found, "hidden_percent") == {"day": 7.0}
    assert {row["figure"] for row in found if row["part"] == GAP} == {"nme_percent"}


def clip(subject: int, motion: int, repetition: int) -> Clip:
    name = f"repeated/{subject}/{motion}/{repetition}"
    return Clip(name, subject, 10 * subject + motion, "natural", 30.0, 0.0, 1, np.zeros((1, 68, 3), np.float32), None)


def compared(known: tuple[int, ...]) -> Compared:
    """Four people with two motions, three times each; those that are known are told apart, the others by chance."""
    clips = Clips(tuple(clip(s, m, r) for s in range(4) for m in range(2) for r in range(3)))
    pairs = within_subjects(clips)
    by_chance = np.random.default_rng(0).random(len(pairs))
    scores = np.where(np.isin(pairs.subject, known), pairs.genuine.astype(float), by_chance)
    return Compared(clips, pairs, scores, 0.5)


def test_pairs_count_for_the_group_of_both_their_clips(tmp_path: Path) -> None:
    by = groups(tmp_path, "sequence,half\nrepeated/0/*,first\nrepeated/1/*,first\nrepeated/*,second\n")
    found = compared((0, 1))
    rows = identity_rows(by, "ours", found)
    others = found.pairs.subject >= 2
    expected = average_precision(curve(found.scores[others], found.pairs.genuine[others]))
    assert values(rows, "ap") == {"first": 1.0, "second": pytest.approx(expected)}
    assert values(rows, "fnmr")["first"] == values(rows, "fmr")["first"] == 0.0
    first = next(row for row in rows if row["part"] == RATES and row["group"] == "first")
    assert (first["positives"], first["negatives"], first["tpr"], first["fpr"]) == (12, 18, 1.0, 0.0)


def test_pairs_across_groups_and_of_clips_without_a_group_count_nowhere(tmp_path: Path) -> None:
    by = groups(tmp_path, "sequence,light\nrepeated/*/0/*,day\nrepeated/*/1/0,\nrepeated/*/1/*,dusk\n")
    rows = identity_rows(by, "ours", compared((0, 1, 2, 3)))
    counted = {row["group"]: (row["positives"], row["negatives"]) for row in rows if row["part"] == RATES}
    assert counted == {"day": (12, 0), "dusk": (4, 0)}
    assert not values(rows, "ap"), "one motion alone has no impostor"
