"""An explanation as French text for HR, with the change event behind each row."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from pyspark.sql import Row

from lakehouse.contracts import DISTANCE_CACHE, REWARD_RULES, RH_EMPLOYEES, STRAVA_ACTIVITIES
from lakehouse.french import format_day, format_number
from lakehouse.refresh.explain import COUNTED, Explanation

OPERATION_LABELS = {"r": "présente lors d'un relevé", "c": "création", "u": "modification", "d": "suppression"}
STATUS_LABELS = {"failed": "demande sans réponse"}
MOTIF_LABELS = {
    "eligible": "la distance est dans la limite : la prime est due",
    "mode_non_eligible": "ce moyen de déplacement ne donne pas de prime",
    "distance_inconnue": "la distance n'est pas connue : ni proche, ni loin",
    "distance_incoherente": "la distance dépasse la limite : à vérifier",
}


def render(explanation: Explanation) -> Iterator[str]:
    """Yield the explanation line by line."""
    time_point = explanation.time_point
    valid_at, known_at = _format_date(time_point.valid_at), _format_date(time_point.known_at)
    yield f"Salarié {explanation.employee.id}, au {valid_at}, d'après ce qui était connu au {known_at}"
    yield ""
    yield from _render_refusals(explanation)
    yield from _render_hr_row(explanation)
    yield ""
    yield from _render_prime(explanation)
    yield ""
    yield from _render_wellbeing(explanation)


def _render_refusals(explanation: Explanation) -> Iterator[str]:
    if explanation.refusals:
        yield "Attention : des modifications sont refusées, et la dernière version acceptée compte"
        for row in explanation.refusals:
            reasons = ", ".join(row["_reasons"])
            yield f"  {row.moment}  {row.table}, {row.key} : {reasons}{_format_lineage(row.table, row)}"
        yield ""


def _render_hr_row(explanation: Explanation) -> Iterator[str]:
    row = explanation.employee
    yield "Fiche RH"
    yield f"  BU : {row.business_unit or 'non renseignée'}"
    yield f"  Salaire brut annuel : {_format_euros(row.salaire_brut)}"
    yield f"  Moyen de déplacement : {row.moyen_deplacement or 'non renseigné'}"
    yield f"  Embauche : {_format_date(row.date_embauche)}"
    yield f"  Valable depuis : {_format_valid_from(row)}{_format_lineage(RH_EMPLOYEES.table, row)}"
    yield f"  Versions connues : {len(explanation.employee_versions)}"
    previous = None
    for version in explanation.employee_versions:
        lineage = _format_lineage(RH_EMPLOYEES.table, version)
        if version.counts:
            change = _describe_change(previous, version)
            yield f"    {version.moment}  {change}, {_format_valid_from(version)}{lineage}"
            previous = version
        else:
            yield f"    {version.moment}  refusée : {', '.join(version['_reasons'])}{lineage}"


def _render_prime(explanation: Explanation) -> Iterator[str]:
    prime, rules, rules_row = explanation.prime, explanation.rules, explanation.rules_row
    yield "Prime sportive"
    yield (
        f"  Règle en vigueur depuis le {_format_date(rules_row.valid_from)} : {_format_percent(rules.bonus_rate)}, "
        f"{format_km(rules.walk_limit_m)} à pied, {format_km(rules.bike_limit_m)} à vélo"
        f"{_format_lineage(REWARD_RULES.table, rules_row)}"
    )
    for row in explanation.distances:
        status = STATUS_LABELS.get(row.status, row.status)
        distance = format_km(row.distance_m) if row.status == "ok" else f"pas de distance ({status})"
        chosen = ", retenue" if row.provider == prime.distance_source else ""
        yield f"  Distance selon {row.provider} : {distance}{chosen}{_format_lineage(DISTANCE_CACHE.table, row)}"
    if not explanation.distances:
        yield "  Distance : aucune réponse connue pour ce trajet"
    yield f"  {prime.motif} : {MOTIF_LABELS[prime.motif]}"
    if prime.eligible:
        yield (
            f"  Montant : {_format_euros(explanation.employee.salaire_brut)} × {_format_percent(rules.bonus_rate)} "
            f"= {_format_euros(prime.montant_prime)}"
        )
    else:
        yield f"  Montant : {_format_euros(prime.montant_prime)}"


def _render_wellbeing(explanation: Explanation) -> Iterator[str]:
    days, rules = explanation.days, explanation.rules
    period = "année civile" if rules.activity_window == "calendar_year" else "douze derniers mois"
    yield f"Jours bien-être {days.year} ({period})"
    granted = _format_days_granted(days)
    yield f"  {days.nb_activities_year} activités comptées, {rules.min_activities} nécessaires : {granted}"
    for is_counted in (True, False):
        activities = [row for row in explanation.activities if (row.verdict == COUNTED) == is_counted]
        yield f"  {'Comptées' if is_counted else 'Non comptées'} : {len(activities)}"
        for activity in activities:
            sport = activity.sport_type or activity.type or "sport inconnu"
            instead = f" de {activity.double_of}" if activity.double_of else ""
            verdict = "" if is_counted else f"  {activity.verdict}{instead}"
            when, lineage = activity.moment or "date inconnue", _format_lineage(STRAVA_ACTIVITIES.table, activity)
            yield f"    {when}  {activity.activity_id}  {sport}{verdict}{lineage}"


def _format_days_granted(days: Row) -> str:
    if days.eligible:
        return f"{days.jours_bien_etre} jours accordés"
    return f"0 jour, il en manque {days.activites_manquantes}"


def _describe_change(previous: Row | None, version: Row) -> str:
    """Return the operation and the names of the changed columns, without their values."""
    operation = OPERATION_LABELS[version["_op"]]
    if previous is None or version["_op"] != "u" or previous["_op"] == "d":
        return operation
    changed = [name for name in RH_EMPLOYEES.columns if previous[name] != version[name]]
    return f"{operation} ({', '.join(changed) or 'aucune colonne'})"


def _format_valid_from(row: Row) -> str:
    if row["_valid_from"] is None:
        return "depuis toujours (présente à la mise en service)"
    return (
        f"depuis le {_format_date(row['_valid_from'])}"
        if row["_op"] != "d"
        else f"absent depuis le {_format_date(row['_valid_from'])}"
    )


def _format_lineage(table: str, row: Row) -> str:
    """Return the change event of a row: its LSN, and its incarnation, partition and offset in Bronze."""
    lsn = f"{row['_lsn'] >> 32:X}/{row['_lsn'] & 0xFFFFFFFF:X}" if row["_lsn"] is not None else "inconnu"
    position = f"{row['_incarnation']}/{row['_partition']}/{row['_offset']}"
    return f"  [LSN {lsn}, bronze/{table} {position}]"


def _format_date(day: date | None) -> str:
    return format_day(day) if day else "inconnue"


def _format_euros(amount: Decimal) -> str:
    return format_number(amount, "#,##0.00 €")


def _format_percent(rate: Decimal) -> str:
    return format_number(rate, "0.## %")


def format_km(metres: int) -> str:
    """Return metres as kilometres in French: 1041300 is 1 041,3 km."""
    return format_number(Decimal(metres) / 1000, "#,##0.### km")
