"""The explanation of an employee's figures: every row behind them, and the change event of each."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.table_store import TableStore
from lakehouse.errors import BadInput
from lakehouse.gold.bitemporal import AsOf
from lakehouse.refresh.explain import explain
from lakehouse.refresh.explain_fr import format_km, render
from lakehouse.refresh.table_setup import create_tables
from spark.builders import BY_BICYCLE, RULES, Fields, utc
from spark.versions_builder import GO_LIVE, JULY, JUNE, VersionsBuilder, activity, distance, employee, rule

HOME = {"adresse_complete": "1 rue de l'Essai", "business_unit": "R&D"}
ROUTE = {"origin_address": "1 rue de l'Essai", "destination_address": RULES.destination}


@pytest.fixture
def versions(spark: SparkSession, tmp_path: Path) -> VersionsBuilder:
    lake = Lake(spark, TableStore(str(tmp_path)))
    create_tables(lake.store)
    versions = VersionsBuilder(lake)
    versions.commit("2026-01-15 11:00", employee("r", 1, **HOME), rule("r", date(2000, 1, 1), "0.05"))
    versions.commit("2026-01-15 12:05", distance("c", 16_160, travel_mode="bicycling", provider="estimate", **ROUTE))
    versions.commit("2026-05-04 10:00", employee("u", 1, BY_BICYCLE, **HOME))
    versions.commit("2026-05-05 10:00", activity("c", 11), activity("c", 12, start="2025-12-31 22:00"))
    versions.commit("2026-05-06 10:00", activity("c", 13, flagged=True), activity("c", 14, start="2026-07-05 10:00"))
    versions.commit("2026-05-07 10:00", activity("c", 15, _reasons=["vitesse impossible"]), activity("c", 16))
    versions.commit("2026-05-08 10:00", activity("d", 16), activity("c", 17), activity("c", 18, 2))
    versions.commit("2026-05-09 10:00", activity("u", 17, 2), activity("u", 11, _reasons=["distance négative"]))
    return versions


def recording(
    op: str, number: int, minutes: int = 0, employee_id: int = 1, *, flagged: bool = False
) -> tuple[Contract, str, Fields]:
    start = utc("2026-05-03 10:00") + timedelta(minutes=minutes)
    return activity(op, number, employee_id, start_date_utc=start, elapsed_time_s=3_600, flagged=flagged)


def explanation_lines(versions: VersionsBuilder, as_of: AsOf) -> list[str]:
    return list(render(explain(versions.write(), 1, as_of, GO_LIVE)))


def test_explanation_gives_each_activity_a_verdict(versions: VersionsBuilder) -> None:
    versions.commit("2026-05-10 10:00", recording("c", 21), recording("c", 22, 10), recording("c", 23, -1, 2))
    versions.commit("2026-05-10 11:00", recording("c", 24, 40), recording("c", 25, -10, flagged=True))
    explanation = explain(versions.write(), 1, AsOf(JUNE, JUNE), GO_LIVE)
    verdicts = {row.activity_id: row.verdict for row in explanation.activities}
    assert {key: verdicts.pop(key) for key in (21, 22, 24, 25)} == {
        21: "comptée",
        22: "en double",
        24: "comptée",
        25: "signalée (flagged)",
    }
    assert "    03/05/2026 12:10  22  sport inconnu  en double de 21  [LSN" in "\n".join(render(explanation))
    assert verdicts == {
        11: "comptée",
        12: "hors de la période",
        13: "signalée (flagged)",
        14: "après le jour demandé",
        15: "refusée : vitesse impossible",
        16: "supprimée",
        17: "d'un autre salarié",
    }
    assert explanation.days.nb_activities_year == 3
    (counted,) = (row for row in explanation.activities if row.activity_id == 11)
    # The last accepted version: the later change was refused.
    assert (counted["_lsn"], counted["_offset"], counted["_op"]) == (140, 140, "c")


def test_explanation_traces_the_prime_to_lsn_and_bronze_offset(versions: VersionsBuilder) -> None:
    printed = explanation_lines(versions, AsOf(JUNE, JUNE))
    text = "\n".join(printed)
    assert printed[0] == "Salarié 1, au 30/06/2026, d'après ce qui était connu au 30/06/2026"
    assert "  Valable depuis : depuis le 04/05/2026  [LSN 0/82, bronze/rh_employees 1/0/130]" in printed
    assert "modification (moyen_deplacement), depuis le 04/05/2026" in text
    assert "  Règle en vigueur depuis le 01/01/2000 : 5 %, 15 km à pied, 25 km à vélo" in text
    assert "  Distance selon estimate : 16,16 km, retenue  [LSN 0/78, bronze/distance_cache 1/0/120]" in printed
    assert "  Montant : 30 000,00 € × 5 % = 1 500,00 €" in printed
    assert "  1 activités comptées, 15 nécessaires : 0 jour, il en manque 14" in printed
    assert "    01/05/2026 12:00  11  sport inconnu  [LSN 0/8C, bronze/strava_activities 1/0/140]" in printed


@pytest.mark.long
def test_explanation_before_go_live_counts_initial_snapshot_activities(versions: VersionsBuilder) -> None:
    versions.commit("2026-01-15 11:00", activity("r", 19, start="2025-12-20 10:00"))
    new_year_s_eve = date(2025, 12, 31)
    explanation = explain(versions.write(), 1, AsOf(new_year_s_eve, new_year_s_eve), GO_LIVE)
    assert {row.activity_id: row.verdict for row in explanation.activities} == {19: "comptée"}
    assert explanation.days.nb_activities_year == 1


@pytest.mark.long
def test_explanation_counts_a_double_once_it_is_known_that_the_other_is_deleted(versions: VersionsBuilder) -> None:
    versions.commit("2026-05-10 10:00", recording("c", 21), recording("c", 22, 10))
    versions.commit("2026-07-10 10:00", recording("d", 21))
    lake = versions.write()
    then, later = (explain(lake, 1, AsOf(JUNE, known_at), GO_LIVE) for known_at in (JUNE, JULY))
    assert [{row.activity_id: row.verdict for row in each.activities}[22] for each in (then, later)] == [
        "en double",
        "comptée",
    ]
    assert [each.days.nb_activities_year for each in (then, later)] == [2, 2]


@pytest.mark.long
def test_explanation_shows_refused_employee_versions_and_does_not_apply_them(versions: VersionsBuilder) -> None:
    versions.commit("2026-06-10 10:00", employee("u", 1, "Marche/running", _reasons=["salaire négatif"], **HOME))
    versions.commit("2026-06-11 10:00", employee("u", 1, BY_BICYCLE, **{**HOME, "business_unit": "Ventes"}))
    text = "\n".join(explanation_lines(versions, AsOf(JUNE, JUNE)))
    assert "10/06/2026 12:00  refusée : salaire négatif  [LSN" in text
    assert "11/06/2026 12:00  modification (business_unit), depuis le 11/06/2026" in text


@pytest.mark.long
def test_explanation_depends_on_known_at(versions: VersionsBuilder) -> None:
    versions.commit(
        "2026-07-10 10:00", employee("u", 1, "Transports en commun", valable_depuis=date(2026, 6, 1), **HOME)
    )
    before, after = explanation_lines(versions, AsOf(JUNE, JUNE)), explanation_lines(versions, AsOf(JUNE, JULY))
    assert "  eligible : la distance est dans la limite : la prime est due" in before
    assert "  mode_non_eligible : ce moyen de déplacement ne donne pas de prime" in after
    assert "  Distance : aucune réponse connue pour ce trajet" in after


@pytest.mark.long
def test_explanation_of_an_absent_employee_is_an_error_with_its_remedy(versions: VersionsBuilder) -> None:
    lake = versions.write()
    with pytest.raises(BadInput, match=r"Salarié 99 : absent au 30/06/2026.*vérifiez l'identifiant"):
        explain(lake, 99, AsOf(JUNE, JUNE), GO_LIVE)
    versions.commit("2026-06-20 10:00", employee("d", 1))
    with pytest.raises(BadInput, match=r"Salarié 1 : absent au 30/06/2026.*3 versions connues.*--as-of"):
        explain(versions.write(), 1, AsOf(JUNE, JUNE), GO_LIVE)
    versions.commit("2026-06-20 10:00", employee("c", 3, date_embauche=date(2026, 9, 1)))
    versions.commit("2026-06-20 10:00", employee("c", 4, _reasons=["embauche avant la naissance"]))
    with pytest.raises(BadInput, match=r"Salarié 4 : absent .*fiche est refusée : embauche avant la naissance\. Corr"):
        explain(versions.write(), 4, AsOf(JUNE, JUNE), GO_LIVE)
    with pytest.raises(BadInput, match=r"Salarié 3 : absent au 30/06/2026.*Son embauche est au 01/09/2026"):
        explain(versions.write(), 3, AsOf(JUNE, JUNE), GO_LIVE)


@pytest.mark.long
def test_explanation_of_a_day_before_all_rules_is_an_error_with_its_remedy(versions: VersionsBuilder) -> None:
    with pytest.raises(BadInput, match=r"Aucune règle n'était en vigueur au 31/12/1999.*un jour plus récent"):
        explain(versions.write(), 1, AsOf(date(1999, 12, 31), JUNE), GO_LIVE)


def test_distances_are_formatted_in_french() -> None:
    assert [format_km(metres) for metres in (900, 9_000, 16_160, 1_041_300, 9_300_000)] == [
        "0,9 km",
        "9 km",
        "16,16 km",
        "1 041,3 km",
        "9 300 km",
    ]
