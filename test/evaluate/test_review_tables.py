"""The review's tables, with rows of ours in them."""

from __future__ import annotations

import pytest
from evaluate.measured_rows import everything, measurement

from face1d_ros.evaluate.published_tables import TABLE_3, TABLE_4, TABLE_5, TABLE_7
from face1d_ros.evaluate.review_rows import OURS, PUBLISHED, Row, Table, family
from face1d_ros.evaluate.review_tables import tables
from face1d_ros.evaluate.verdicts import TABLE_7 as CRITERIA

NOTHING: dict[str, dict[str, object]] = {}


def by_number(measured: dict[str, dict[str, object]]) -> dict[int, Table]:
    return {table.number: table for table in tables(measured)}


def ours(table: Table) -> list[Row]:
    return [row for row in table.rows if row.source == OURS]


def test_without_measurements_the_published_rows_stand_alone() -> None:
    found = by_number(NOTHING)
    assert list(found) == [3, 4, 5, 7]
    for number, printed in ((3, TABLE_3), (4, TABLE_4), (5, TABLE_5), (7, TABLE_7)):
        assert len(found[number].rows) == len(printed.rows) and not ours(found[number])
        assert found[number].caption == printed.caption


def test_published_numbers_are_those_that_were_printed() -> None:
    assert [row["accuracy_percent"] for row in TABLE_3.rows] == [92.1, 94.3, 96.8, 95.6]
    assert [row["latency_ms"] for row in TABLE_3.rows] == [4.2, 18.5, 35.7, 12.1]
    assert [row["parameters_m"] for row in TABLE_3.rows] == [0.15, 2.1, 20.3, 3.2]
    assert [row["nme_percent"] for row in TABLE_4.rows] == [1.92, 1.75, 1.68, 1.81]
    assert [row["mflop"] for row in TABLE_4.rows] == [42, 187, 312, 89]
    assert [row["mesh_error_mm"] for row in TABLE_5.rows] == [1.8, 2.1, 2.4, 1.9]
    assert [row["size_mb"] for row in TABLE_5.rows] == [120, 8.3, 4.7, 22.1]


def test_the_ideal_values_are_those_that_verdicts_are_judged_by() -> None:
    for printed, criterion in zip(TABLE_7.rows, CRITERIA, strict=True):
        _, limit, _ = str(printed["ideal"]).split()
        assert str(printed["ideal"])[0] == criterion.comparison and float(limit) == criterion.limit


def test_every_row_says_on_what_and_how_it_was_measured() -> None:
    for table in tables(everything()):
        for row in table.rows:
            assert row.data and row.conditions
            assert bool(row.reference) == (row.source == PUBLISHED)
            assert row.source == PUBLISHED or row.data.startswith(("synthetic", "real"))


def test_a_table_of_measurements_says_that_its_rows_are_not_comparable() -> None:
    for number, table in by_number(everything()).items():
        assert number == 7 or "not comparable" in table.notes[0]


def test_table_3_has_networks_alone_and_no_accuracy_for_smoothing() -> None:
    rows = {row.cells["use_case"]: row.cells for row in ours(by_number(everything())[3])}
    assert rows["landmark smoothing"]["accuracy_percent"] is None
    assert rows["expression tracking"]["accuracy_percent"] == pytest.approx(91.3)
    verified = rows["identity verification"]
    assert verified["model"] == "Transformer: `identity_n_pair`" and verified["accuracy_percent"] == pytest.approx(97.9)
    assert len(ours(by_number(everything())[3])) == 4, "neither filters nor baselines are architectures"


def test_table_4_counts_two_flops_to_a_multiplication_and_says_who_is_late() -> None:
    rows = {row.cells["model"]: row.cells for row in ours(by_number(everything())[4])}
    assert rows["GRU: `smoothing_gru_68`"]["mflop"] == pytest.approx(0.26)
    assert rows["LSTM: `smoothing_bidirectional_lstm_68`"]["use_case"] == "smoothing of landmarks, 4 frames late"
    assert rows["none: as detected"]["nme_percent"] == 2.04 and rows["none: as detected"]["latency_ms"] is None
    assert rows["filter: `one_euro`"]["mflop"] is None


def test_table_5_has_closed_form_beside_networks() -> None:
    rows = [row.cells for row in ours(by_number(everything())[5])]
    assert [row["model"] for row in rows] == ["closed form: `ridge`", "1D CNN: `mesh_curve_cnn_478`"]
    assert [row["mesh_error_mm"] for row in rows] == [1.2, 2.6] and rows[1]["vertices"] == 6706


def test_table_7_judges_each_default_by_what_is_of_its_task_and_shows_what_is_missed() -> None:
    judged = {
        (row.cells["metric"], row.cells["system"]): row.cells["verdict"] for row in ours(by_number(everything())[7])
    }
    assert judged["NME", "smoothing: `smoothing_gru_68`"] == "pass"
    assert judged["Jitter index", "smoothing: `smoothing_gru_68`"] == "missed"
    assert judged["Mesh error", "mesh: `mesh_curve_cnn_478`"] == "missed"
    assert judged["Accuracy", "identity: `identity_n_pair`"] == "pass"
    assert judged["NME", "the detector alone on the portrait, clean"] == "pass"
    assert ("Accuracy", "expression: `expression_cnn_landmarks`") not in judged, "expressions are no identities"
    assert not any("bidirectional" in str(system) for _, system in judged), "only what runs by default is judged"


def test_of_the_portrait_it_is_said_that_its_truth_holds_the_detector_s_constant_error() -> None:
    rows = [row for row in ours(by_number(everything())[7]) if "portrait" in str(row.cells["system"])]
    assert len(rows) == 2 and all("its constant error is in none" in row.conditions for row in rows)


def test_real_datasets_have_rows_that_say_so() -> None:
    split = {"part": "split", "split": "all", "sequences": 9, "nme_percent": 2.5}
    unseen = {"part": "split", "split": "none found", "sequences": 1, "nme_percent": None}
    folds = {"part": "all", "experiment": "ck+", "tested_on": "ck+", "accuracy": 0.9}
    measured = {
        "landmarks-300vw": measurement("evaluate landmarks", [split, unseen], "real, 300vw"),
        "expression-ck+": measurement("evaluate expression --dataset", [folds], "real, ck+"),
    }
    found = by_number(measured)
    (nme,), (accuracy,), (verdict,) = ours(found[4]), ours(found[3]), ours(found[7])
    assert nme.data == verdict.data == "real, 300vw" and verdict.cells["verdict"] == "missed"
    assert accuracy.data == "real, ck+" and accuracy.cells["accuracy_percent"] == 90.0


@pytest.mark.parametrize(
    ("model", "architecture"),
    [
        ("smoothing_one_d_former_68", "Transformer (1DFormer)"),
        ("mesh_coefficient_lstm_478", "1D CNN + LSTM"),
        ("smoothing_spatial_conv_68", "1D CNN"),
        ("of_my_own", ""),
    ],
)
def test_a_model_s_name_says_its_architecture(model: str, architecture: str) -> None:
    assert family(model) == architecture
