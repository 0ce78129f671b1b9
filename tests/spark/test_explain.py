"""Why a person gets what they get: every row behind the figures, and the change event it came from."""

from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lakehouse.cdc.catalog import Catalog
from lakehouse.cdc.lake import Lake
from lakehouse.errors import BadInput
from lakehouse.gold.explain import explain
from lakehouse.gold.explanation import _km, lines
from lakehouse.gold.past import Question
from lakehouse.gold.refresh import make_tables
from spark.builders import BY_BICYCLE, RULES
from spark.past import JULY, JUNE, LIVE, Past, activity, distance, employee, rule

HOME = {"adresse_complete": "1 rue de l'Essai", "business_unit": "R&D"}
ROUTE = {"origin_address": "1 rue de l'Essai", "destination_address": RULES.destination}


@pytest.fixture
def past(spark: SparkSession, tmp_path: Path) -> Past:
    lake = Lake(spark, Catalog(str(tmp_path)))
    make_tables(lake.catalog)
    past = Past(lake)
    past.commit("2026-01-15 11:00", employee("r", 1, **HOME), rule("r", date(2000, 1, 1), "0.05"))
    past.commit("2026-01-15 12:05", distance("c", 16_160, travel_mode="bicycling", provider="estimate", **ROUTE))
    past.commit("2026-05-04 10:00", employee("u", 1, BY_BICYCLE, **HOME))
    past.commit("2026-05-05 10:00", activity("c", 11), activity("c", 12, start="2025-12-31 22:00"))
    past.commit("2026-05-06 10:00", activity("c", 13, flagged=True), activity("c", 14, start="2026-07-05 10:00"))
    past.commit("2026-05-07 10:00", activity("c", 15, _reasons=["vitesse impossible"]), activity("c", 16))
    past.commit("2026-05-08 10:00", activity("d", 16), activity("c", 17), activity("c", 18, 2))
    past.commit("2026-05-09 10:00", activity("u", 17, 2), activity("u", 11, _reasons=["distance négative"]))
    return past


def told(past: Past, question: Question) -> list[str]:
    return list(lines(explain(past.written(), 1, question, LIVE)))


def test_each_activity_is_counted_or_it_is_said_why_not(past: Past) -> None:
    why = explain(past.written(), 1, Question(JUNE, JUNE), LIVE)
    assert {one.activity_id: one.verdict for one in why.activities} == {
        11: "comptée",
        12: "hors de la période",
        13: "signalée (flagged)",
        14: "après le jour demandé",
        15: "refusée : vitesse impossible",
        16: "supprimée",
        17: "d'un autre salarié",
    }
    assert why.days.nb_activities_year == 1
    (counted,) = (one for one in why.activities if one.activity_id == 11)
    # As it was accepted: the later change was refused.
    assert (counted["_lsn"], counted["_offset"], counted["_op"]) == (140, 140, "c")


def test_the_chain_behind_the_prime_is_told_to_the_change_event(past: Past) -> None:
    said = told(past, Question(JUNE, JUNE))
    text = "\n".join(said)
    assert said[0] == "Salarié 1, au 30/06/2026, d'après ce qui était connu au 30/06/2026"
    assert "  Valable depuis : depuis le 04/05/2026  [LSN 0/82, bronze/rh_employees 1/0/130]" in said
    assert "modification (moyen_deplacement), depuis le 04/05/2026" in text
    assert "  Règle en vigueur depuis le 01/01/2000 : 5 %, 15 km à pied, 25 km à vélo" in text
    assert "  Distance selon estimate : 16,16 km, retenue  [LSN 0/78, bronze/distance_cache 1/0/120]" in said
    assert "  Montant : 30 000,00 € × 5 % = 1 500,00 €" in said
    assert "  1 activités comptées, 15 nécessaires : 0 jour, il en manque 14" in said
    assert "    01/05/2026 12:00  11  sport inconnu  [LSN 0/8C, bronze/strava_activities 1/0/140]" in said


@pytest.mark.long
def test_before_go_live_what_was_there_then_is_listed_as_it_is_counted(past: Past) -> None:
    past.commit("2026-01-15 11:00", activity("r", 19, start="2025-12-20 10:00"))
    new_year_s_eve = date(2025, 12, 31)
    why = explain(past.written(), 1, Question(new_year_s_eve, new_year_s_eve), LIVE)
    assert {one.activity_id: one.verdict for one in why.activities} == {19: "comptée"}
    assert why.days.nb_activities_year == 1


@pytest.mark.long
def test_what_was_refused_of_the_person_s_row_is_told_and_does_not_count(past: Past) -> None:
    past.commit("2026-06-10 10:00", employee("u", 1, "Marche/running", _reasons=["salaire négatif"], **HOME))
    past.commit("2026-06-11 10:00", employee("u", 1, BY_BICYCLE, **{**HOME, "business_unit": "Ventes"}))
    text = "\n".join(told(past, Question(JUNE, JUNE)))
    assert "10/06/2026 12:00  refusée : salaire négatif  [LSN" in text
    assert "11/06/2026 12:00  modification (business_unit), depuis le 11/06/2026" in text


@pytest.mark.long
def test_it_follows_what_was_known(past: Past) -> None:
    past.commit("2026-07-10 10:00", employee("u", 1, "Transports en commun", valable_depuis=date(2026, 6, 1), **HOME))
    before, after = told(past, Question(JUNE, JUNE)), told(past, Question(JUNE, JULY))
    assert "  eligible : la distance est dans la limite : la prime est due" in before
    assert "  mode_non_eligible : ce moyen de déplacement ne donne pas de prime" in after
    assert "  Distance : aucune réponse connue pour ce trajet" in after


@pytest.mark.long
def test_who_was_not_there_is_an_error_that_says_what_to_do(past: Past) -> None:
    lake = past.written()
    with pytest.raises(BadInput, match=r"Salarié 99 : absent au 30/06/2026.*vérifiez l'identifiant"):
        explain(lake, 99, Question(JUNE, JUNE), LIVE)
    past.commit("2026-06-20 10:00", employee("d", 1))
    with pytest.raises(BadInput, match=r"Salarié 1 : absent au 30/06/2026.*3 versions connues.*--as-of"):
        explain(past.written(), 1, Question(JUNE, JUNE), LIVE)
    past.commit("2026-06-20 10:00", employee("c", 3, date_embauche=date(2026, 9, 1)))
    past.commit("2026-06-20 10:00", employee("c", 4, _reasons=["embauche avant la naissance"]))
    with pytest.raises(BadInput, match=r"Salarié 4 : absent .*fiche est refusée : embauche avant la naissance\. Corr"):
        explain(past.written(), 4, Question(JUNE, JUNE), LIVE)
    with pytest.raises(BadInput, match=r"Salarié 3 : absent au 30/06/2026.*Son embauche est au 01/09/2026"):
        explain(past.written(), 3, Question(JUNE, JUNE), LIVE)


@pytest.mark.long
def test_a_day_before_all_rules_is_an_error_that_says_what_to_do(past: Past) -> None:
    with pytest.raises(BadInput, match=r"Aucune règle n'était en vigueur au 31/12/1999.*un jour plus récent"):
        explain(past.written(), 1, Question(date(1999, 12, 31), JUNE), LIVE)


def test_numbers_are_written_as_they_are_in_french() -> None:
    assert [_km(metres) for metres in (900, 9_000, 16_160, 1_041_300, 9_300_000)] == [
        "0,9 km",
        "9 km",
        "16,16 km",
        "1 041,3 km",
        "9 300 km",
    ]
