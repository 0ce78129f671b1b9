"""SQL of the views of `direction`, in which no figure is about fewer than five people.

A figure there is a sum of blocks. A block is five people or more, of whom none or at least five are paid or counted.
All of its views are sums of the same blocks, so that no subtraction leaves less than a block.
A small cell is folded into `Autres`; so are, smallest first, others until `Autres` is a block.
Spark runs the texts in the server, and DataFusion in the tests: only what both know is in them.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

MIN_PEOPLE = 5
OTHERS = "'Autres'"
IS_FEW = f"BETWEEN 1 AND {MIN_PEOPLE - 1}"


def steps(rows: str, *selections: str) -> str:
    """Return a query of several steps: each selects from the one before, the first from `rows`."""
    sources = [rows, *(f"step_{number}" for number in range(1, len(selections)))]
    queries = [f"{selection.rstrip()} FROM {source}" for selection, source in zip(selections, sources, strict=True)]
    common = ",\n".join(f"{name} AS ({query})" for name, query in zip(sources[1:], queries[:-1], strict=True))
    return f"(\nWITH {common}\n{queries[-1]}\n)"


def fold(
    rows: str, key: str, columns: Sequence[str], *, people: str, paid: str = "0", within: Sequence[str] = ()
) -> str:
    """Return the query of `rows` with small values of the column `key` replaced by Autres, and the columns `columns`.

    `people` and `paid` are columns to be summed. In a partition by `within` that is no block itself, all are replaced.
    """
    partition = f"PARTITION BY {', '.join(within)}" if within else ""
    of_key = f"OVER (PARTITION BY {', '.join((*within, key))})"
    ordered = f"OVER ({partition} ORDER BY fold_small DESC, fold_people, {key})"
    return steps(
        rows,
        f"SELECT *, SUM({people}) {of_key} AS fold_people, SUM({paid}) {of_key} AS fold_paid",
        f"SELECT *, CASE WHEN fold_people < {MIN_PEOPLE} OR fold_paid {IS_FEW} THEN 1 ELSE 0 END AS fold_small",
        f"""SELECT *,
  DENSE_RANK() {ordered} AS fold_place,
  SUM({people}) {ordered} AS fold_people_so_far,
  SUM({paid}) {ordered} AS fold_paid_so_far""",
        f"SELECT *, MAX(CASE WHEN fold_small = 1 THEN fold_place END) OVER ({partition}) AS fold_last_small",
        f"""SELECT *, MIN(
  CASE
    WHEN fold_place >= fold_last_small AND fold_people_so_far >= {MIN_PEOPLE} AND fold_paid_so_far NOT {IS_FEW}
    THEN fold_place
  END
) OVER ({partition}) AS fold_end""",
        f"""SELECT {", ".join((*columns, *within))},
  CASE
    WHEN fold_place <= COALESCE(fold_end, CASE WHEN fold_last_small IS NOT NULL THEN fold_place END) THEN {OTHERS}
    ELSE {key}
  END AS {key}""",
    )


# One row per unit and declared mode. A prime of one to four in the whole company is shown nowhere, and folds nothing.
EMPLOYEE_CELLS = """(
  SELECT *, unit AS unit_of, mode AS mode_of,
    CASE WHEN SUM(nb_primes) OVER () BETWEEN 1 AND 4 THEN 0 ELSE nb_primes END AS nb_shown
  FROM (
    SELECT
      year, unit, mode, COUNT(*) AS nb_salaries,
      {nb_primes} AS nb_primes, {cout_primes} AS cout_primes,
      COUNT(*) FILTER (WHERE bien_etre) AS nb_bien_etre, {jours_bien_etre} AS jours_bien_etre,
      COUNT(*) FILTER (WHERE nb_activities_year > 0) AS nb_participants
    FROM (
      SELECT *, {unit} AS unit, COALESCE(moyen_deplacement, 'Non renseigné') AS mode
      FROM delta.`{lake}/gold/prime_sportive`
    ) AS primes
    LEFT JOIN (
      SELECT employee_id, year, eligible AS bien_etre, jours_bien_etre, nb_activities_year
      FROM delta.`{lake}/gold/wellbeing`
    ) AS days USING (employee_id, year)
    GROUP BY year, unit, mode
  ) AS cells
) AS employees"""
EMPLOYEE_COLUMNS = (
    "year", "unit_of", "mode_of", "nb_salaries", "nb_primes", "cout_primes", "nb_bien_etre", "jours_bien_etre",
    "nb_participants",
)  # fmt: skip
EMPLOYEE_UNITS = fold(
    EMPLOYEE_CELLS, "unit", (*EMPLOYEE_COLUMNS, "nb_shown", "mode"), people="nb_salaries", paid="nb_shown"
)
EMPLOYEE_BLOCKS = fold(
    f"{EMPLOYEE_UNITS} AS units", "mode", EMPLOYEE_COLUMNS, people="nb_salaries", paid="nb_shown", within=("unit",)
)

# Months are folded by the people of each; of several months together at least so many are known as of the largest.
FOLDED_MONTHS = steps(
    "delta.`{lake}/gold/activites`",
    "SELECT *, MAX(CASE WHEN niveau = 'mois' THEN nb_participants END) OVER (PARTITION BY mois) AS nb_mois",
    """SELECT *,
  CASE WHEN niveau <> 'sport' THEN DENSE_RANK() OVER (ORDER BY nb_mois, mois) END AS month_place,
  MAX(nb_mois) OVER () AS most_in_a_month""",
    f"SELECT *, MAX(CASE WHEN nb_mois < {MIN_PEOPLE} THEN month_place + 1 END) OVER () AS month_end",
    """SELECT niveau, business_unit, sport, nb_activites, nb_participants, nb_mesurees, distance_km, mois AS mois_of,
  CASE WHEN month_place > COALESCE(month_end, 0) THEN mois END AS mois,
  most_in_a_month""",
)
# A sport is small where it has one to four people in any month: each month's sports are blocks then.
# As many small and other sports are folded, smallest first, as each month needs for one of five people among them.
FOLDED_SPORTS = steps(
    f"(SELECT * FROM {FOLDED_MONTHS} AS months WHERE niveau = 'bu' AND most_in_a_month >= {MIN_PEOPLE}) AS of_units",  # noqa: S608
    "SELECT *, SUM(nb_participants) OVER (PARTITION BY mois_of, sport) AS nb_sport_in_month",
    "SELECT *, MAX(nb_sport_in_month) OVER (PARTITION BY mois, sport) AS nb_sport",
    f"""SELECT *,
  MAX(CASE WHEN nb_sport < {MIN_PEOPLE} THEN 1 ELSE 0 END) OVER (PARTITION BY sport) AS sport_small,
  SUM(nb_participants) OVER (PARTITION BY sport) AS sport_size""",
    "SELECT *, DENSE_RANK() OVER (ORDER BY sport_small DESC, sport_size, sport) AS sport_place",
    f"""SELECT *,
  MIN(CASE WHEN nb_sport >= {MIN_PEOPLE} THEN sport_place END) OVER (PARTITION BY mois) AS month_first_large,
  MAX(sport_small) OVER (PARTITION BY mois) AS month_has_small""",
    """SELECT *,
  CASE
    WHEN MAX(CASE WHEN month_has_small = 1 AND month_first_large IS NULL THEN 1 ELSE 0 END) OVER () = 1
    THEN MAX(sport_place) OVER ()
    WHEN MAX(sport_small) OVER () = 1
    THEN GREATEST(
      MAX(CASE WHEN sport_small = 1 THEN sport_place END) OVER (),
      MAX(CASE WHEN month_has_small = 1 THEN month_first_large END) OVER ()
    )
    ELSE 0
  END AS sport_end""",
    f"""SELECT mois, mois_of, business_unit, nb_activites, nb_participants, nb_mesurees, distance_km,
  CASE WHEN sport_place <= sport_end THEN {OTHERS} ELSE sport END AS sport""",
)
# Of several months or sports together, a unit has at least the people of the largest. Different units share nobody.
UNITS_OF_SPORTS = f"""(
  SELECT
    mois, sport, {{unit}} AS unit,
    SUM(nb_activites) AS nb_activites, SUM(distance_km) AS distance_km,
    MAX(nb_participants) AS nb_people, COUNT(*) AS nb_parts,
    MAX(CASE WHEN nb_mesurees = nb_activites THEN nb_participants WHEN nb_mesurees > 0 THEN 1 ELSE 0 END) AS nb_measured
  FROM {FOLDED_SPORTS} AS sports
  GROUP BY mois, sport, {{unit}}
) AS units"""  # noqa: S608 - SQL of our own
ACTIVITY_COLUMNS = ("nb_activites", "distance_km", "nb_people", "nb_parts", "nb_measured")
ACTIVITY_UNITS = fold(UNITS_OF_SPORTS, "unit", ACTIVITY_COLUMNS, people="nb_people", within=("mois", "sport"))
# nb_participants is known where a block is of one month and one sport. few_measured: a distance would be of few people.
ACTIVITY_BLOCKS = steps(
    f"""(
  SELECT
    mois, sport, unit, SUM(nb_activites) AS nb_activites, SUM(distance_km) AS distance_km,
    CASE WHEN MAX(nb_parts) = 1 THEN SUM(nb_people) END AS nb_participants, SUM(nb_measured) AS nb_measured
  FROM {ACTIVITY_UNITS} AS units
  GROUP BY mois, sport, unit
) AS blocks""",  # noqa: S608 - SQL of our own
    "SELECT *, SUM(nb_measured) OVER (PARTITION BY mois, sport) AS nb_measured_of_all",
    f"""SELECT *,
  MAX(CASE WHEN nb_measured {IS_FEW} THEN 1 ELSE 0 END) OVER () AS few_measured,
  MAX(CASE WHEN nb_measured_of_all {IS_FEW} THEN 1 ELSE 0 END) OVER () AS few_measured_of_all""",
)

# What a scenario pays or grants is compared, person by person, with every other total that the role reads: today's,
# the real one of its own rows, those of scenarios with an earlier name, and each sum of blocks of today's figures.
SCENARIO_GAPS = f"""(
  WITH people AS (
    SELECT employee_id, unit, mode, is_paid, montant_prime AS amount, COALESCE(jours_bien_etre, 0) AS days,
      SUM(is_paid) OVER (PARTITION BY unit, mode) AS paid_in_block,
      SUM(CASE WHEN jours_bien_etre > 0 THEN 1 ELSE 0 END) OVER (PARTITION BY unit) AS granted_in_block
    FROM (
      SELECT *, {{unit}} AS unit_of, COALESCE(moyen_deplacement, 'Non renseigné') AS mode_of,
        CASE WHEN eligible THEN 1 ELSE 0 END AS is_paid
      FROM delta.`{{lake}}/gold/prime_sportive`
    ) AS primes
    JOIN (SELECT DISTINCT unit_of, mode_of, unit, mode FROM {EMPLOYEE_BLOCKS}) AS blocks USING (unit_of, mode_of)
    LEFT JOIN (
      SELECT employee_id, year, jours_bien_etre FROM delta.`{{lake}}/gold/wellbeing`
    ) AS days USING (employee_id, year)
  ),
  lines AS (
    SELECT '' AS scenario, 0 AS line, employee_id, is_paid, amount, days FROM people
    UNION ALL
    SELECT scenario, 0, employee_id, CASE WHEN eligible_reel THEN 1 ELSE 0 END, montant_prime_reel, jours_bien_etre_reel
    FROM delta.`{{lake}}/gold/scenarios`
    UNION ALL
    SELECT scenario, 1, employee_id, CASE WHEN eligible THEN 1 ELSE 0 END, montant_prime, jours_bien_etre
    FROM delta.`{{lake}}/gold/scenarios`
  ),
  sizes AS (
    SELECT scenario, line, COUNT(*) AS people, SUM(is_paid) AS paid,
      SUM(CASE WHEN days > 0 THEN 1 ELSE 0 END) AS granted
    FROM lines GROUP BY scenario, line
  ),
  common AS (
    SELECT one.scenario, one.line, other.scenario AS other_scenario, other.line AS other_line,
      COUNT(*) AS people,
      SUM(one.is_paid * other.is_paid) AS paid,
      SUM(CASE WHEN one.amount = other.amount THEN one.is_paid * other.is_paid ELSE 0 END) AS paid_alike,
      SUM(CASE WHEN one.days > 0 AND other.days > 0 THEN 1 ELSE 0 END) AS granted,
      SUM(CASE WHEN one.days > 0 AND one.days = other.days THEN 1 ELSE 0 END) AS granted_alike
    FROM lines AS one JOIN lines AS other ON other.employee_id = one.employee_id
    WHERE other.scenario < one.scenario OR (other.scenario = one.scenario AND other.line < one.line)
    GROUP BY one.scenario, one.line, other.scenario, other.line
  ),
  gaps AS (
    SELECT scenario, people AS people, paid AS paid, granted AS granted FROM sizes
    UNION ALL
    SELECT one.scenario, one.people + other.people - 2 * common.people,
      one.paid + other.paid - 2 * common.paid, one.granted + other.granted - 2 * common.granted
    FROM common
    JOIN sizes AS one ON one.scenario = common.scenario AND one.line = common.line
    JOIN sizes AS other ON other.scenario = other_scenario AND other.line = other_line
    UNION ALL
    SELECT one.scenario, 0, one.paid + other.paid - 2 * common.paid_alike,
      one.granted + other.granted - 2 * common.granted_alike
    FROM common
    JOIN sizes AS one ON one.scenario = common.scenario AND one.line = common.line
    JOIN sizes AS other ON other.scenario = other_scenario AND other.line = other_line
    UNION ALL
    SELECT scenario, 0, SUM(LEAST(paid, paid + paid_in_block - 2 * paid_now)), 0
    FROM (
      SELECT lines.scenario, line, unit, mode, COUNT(*) AS paid,
        SUM(COALESCE(people.is_paid, 0)) AS paid_now, COALESCE(MAX(paid_in_block), 0) AS paid_in_block
      FROM lines LEFT JOIN people ON people.employee_id = lines.employee_id
      WHERE lines.is_paid = 1
      GROUP BY lines.scenario, line, unit, mode
    )
    GROUP BY scenario, line
    UNION ALL
    SELECT scenario, 0, 0, SUM(LEAST(granted, granted + granted_in_block - 2 * granted_now))
    FROM (
      SELECT lines.scenario, line, unit, COUNT(*) AS granted,
        SUM(CASE WHEN people.days > 0 THEN 1 ELSE 0 END) AS granted_now,
        COALESCE(MAX(granted_in_block), 0) AS granted_in_block
      FROM lines LEFT JOIN people ON people.employee_id = lines.employee_id
      WHERE lines.days > 0
      GROUP BY lines.scenario, line, unit
    )
    GROUP BY scenario, line
  )
  SELECT scenario,
    MAX(CASE WHEN people {IS_FEW} THEN 1 ELSE 0 END) AS few_people,
    MAX(CASE WHEN paid {IS_FEW} THEN 1 ELSE 0 END) AS few_paid,
    MAX(CASE WHEN granted {IS_FEW} THEN 1 ELSE 0 END) AS few_granted
  FROM gaps GROUP BY scenario
)"""  # noqa: S608 - SQL of our own

DIRECTION_SQL: Mapping[str, str] = MappingProxyType(
    {
        "employee_blocks": EMPLOYEE_BLOCKS,
        "activity_blocks": ACTIVITY_BLOCKS,
        "folded_months": FOLDED_MONTHS,
        "scenario_gaps": SCENARIO_GAPS,
    }
)
