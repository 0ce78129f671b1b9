"""An explanation in words, for HR: French, with the change event behind each row."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from pyspark.sql import Row

from lakehouse.cdc.contract import Contract
from lakehouse.contracts import DISTANCE_CACHE, REWARD_RULES, RH_EMPLOYEES, STRAVA_ACTIVITIES
from lakehouse.gold.explain import COUNTED, Explanation

OPERATIONS = {"r": "présente lors d'un relevé", "c": "création", "u": "modification", "d": "suppression"}
MOTIFS = {
    "eligible": "la distance est dans la limite : la prime est due",
    "mode_non_eligible": "ce moyen de déplacement ne donne pas de prime",
    "distance_inconnue": "la distance n'est pas connue : ni proche, ni loin",
    "distance_incoherente": "la distance dépasse la limite : à vérifier",
}


def lines(why: Explanation) -> Iterator[str]:
    """Give the explanation line by line."""
    asked = why.question
    yield f"Salarié {why.employee.id}, au {_day(asked.as_of)}, d'après ce qui était connu au {_day(asked.known_at)}"
    yield ""
    yield from _row_of_hr(why)
    yield ""
    yield from _commute(why)
    yield ""
    yield from _days(why)


def _row_of_hr(why: Explanation) -> Iterator[str]:
    row = why.employee
    yield "Fiche RH"
    yield f"  BU : {row.business_unit or 'non renseignée'}"
    yield f"  Salaire brut annuel : {_euros(row.salaire_brut)}"
    yield f"  Moyen de déplacement : {row.moyen_deplacement or 'non renseigné'}"
    yield f"  Embauche : {_day(row.date_embauche)}"
    yield f"  Valable depuis : {_since(row)}{_from(RH_EMPLOYEES, row)}"
    yield f"  Versions connues : {len(why.changes)}"
    before = None
    for now in why.changes:
        if now.counts:
            yield f"    {now.moment}  {_what(before, now)}, {_since(now)}{_from(RH_EMPLOYEES, now)}"
            before = now
        else:
            yield f"    {now.moment}  refusée : {', '.join(now['_reasons'])}{_from(RH_EMPLOYEES, now)}"


def _commute(why: Explanation) -> Iterator[str]:
    prime, rules = why.prime, why.rules
    yield "Prime sportive"
    yield (
        f"  Règle en vigueur depuis le {_day(why.rule.valid_from)} : {_percent(rules.bonus_rate)}, "
        f"{_km(rules.walk_limit_m)} à pied, {_km(rules.bike_limit_m)} à vélo{_from(REWARD_RULES, why.rule)}"
    )
    for answer in why.distances:
        found = _km(answer.distance_m) if answer.status == "ok" else f"pas de distance ({answer.status})"
        kept = ", retenue" if answer.provider == prime.distance_source else ""
        yield f"  Distance selon {answer.provider} : {found}{kept}{_from(DISTANCE_CACHE, answer)}"
    if not why.distances:
        yield "  Distance : aucune réponse connue pour ce trajet"
    yield f"  {prime.motif} : {MOTIFS[prime.motif]}"
    if prime.eligible:
        yield (
            f"  Montant : {_euros(why.employee.salaire_brut)} × {_percent(rules.bonus_rate)} "
            f"= {_euros(prime.montant_prime)}"
        )
    else:
        yield f"  Montant : {_euros(prime.montant_prime)}"


def _days(why: Explanation) -> Iterator[str]:
    days, rules = why.days, why.rules
    period = "année civile" if rules.activity_window == "calendar_year" else "douze derniers mois"
    yield f"Jours bien-être {days.year} ({period})"
    yield f"  {days.nb_activities_year} activités comptées, {rules.min_activities} nécessaires : {_granted(days)}"
    for counted in (True, False):
        found = [one for one in why.activities if (one.verdict == COUNTED) == counted]
        yield f"  {'Comptées' if counted else 'Non comptées'} : {len(found)}"
        for one in found:
            sport = one.sport_type or one.type or "sport inconnu"
            said = "" if counted else f"  {one.verdict}"
            when = one.moment or "date inconnue"
            yield f"    {when}  {one.activity_id}  {sport}{said}{_from(STRAVA_ACTIVITIES, one)}"


def _granted(days: Row) -> str:
    if days.eligible:
        return f"{days.jours_bien_etre} jours accordés"
    return f"0 jour, il en manque {days.activites_manquantes}"


def _what(before: Row | None, now: Row) -> str:
    """Name what happened to the row, and the columns that changed, without their values."""
    said = OPERATIONS[now["_op"]]
    if before is None or now["_op"] != "u" or before["_op"] == "d":
        return said
    changed = [name for name in RH_EMPLOYEES.columns if before[name] != now[name]]
    return f"{said} ({', '.join(changed) or 'aucune colonne'})"


def _since(row: Row) -> str:
    if row["_since"] is None:
        return "depuis toujours (présente à la mise en service)"
    return f"depuis le {_day(row['_since'])}" if row["_op"] != "d" else f"absent depuis le {_day(row['_since'])}"


def _from(contract: Contract, row: Row) -> str:
    """Say which change event a row came from: its place in Postgres's log and in Bronze."""
    lsn = f"{row['_lsn'] >> 32:X}/{row['_lsn'] & 0xFFFFFFFF:X}" if row["_lsn"] is not None else "inconnu"
    place = f"{row['_incarnation']}/{row['_partition']}/{row['_offset']}"
    return f"  [LSN {lsn}, bronze/{contract.table} {place}]"


def _day(day: date | None) -> str:
    return f"{day:%d/%m/%Y}" if day else "inconnue"


def _euros(amount: Decimal) -> str:
    return _french(f"{amount:,.2f}") + " €"


def _percent(rate: Decimal) -> str:
    return f"{(rate * 100).normalize():f} %".replace(".", ",")


def _km(metres: int) -> str:
    return _french(f"{metres / 1000:,.3f}".rstrip("0").rstrip(".")) + " km"


def _french(number: str) -> str:
    return number.replace(",", " ").replace(".", ",")
