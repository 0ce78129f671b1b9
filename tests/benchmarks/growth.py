"""A company that grows by SQL: employees, their sports and activities, and some commute distances."""

from benchmarks.changes import Changes, id_blocks
from benchmarks.system import BenchmarkSystem
from lakehouse.source.postgres import LONG_DEADLINE_S, connect

ACTIVITIES_PER_EMPLOYEE = 50  # activities of an employee
ROWS_PER_COMMIT = 10_000  # rows
FIRST_EMPLOYEE = 1_000_000
GROWTH_STATEMENTS = (
    """
    INSERT INTO public.rh_employees (id, nom, prenom, date_naissance, date_embauche, business_unit, salaire_brut,
      contrat, nb_conges_payes, adresse_complete, moyen_deplacement)
    SELECT id, 'Nom ' || id, 'Prénom', '1985-05-05', '2015-05-05',
           (ARRAY['Finance', 'Marketing', 'R&D', 'Support', 'Ventes'])[1 + id %% 5], 30000 + id %% 30000, 'CDI', 25,
           id || ' rue du Banc, 34000 Montpellier',
           (ARRAY['Marche/running', 'Vélo/Trottinette/Autres', 'Transports en commun',
                  'véhicule thermique/électrique'])[1 + id %% 4]
    FROM generate_series(%(first)s::int, %(last)s::int) id
    """,
    "INSERT INTO public.sport_activities SELECT id, 'Running' FROM generate_series(%(first)s::int, %(last)s::int) id",
    """
    INSERT INTO public.distance_cache (origin_address, destination_address, travel_mode, distance_m, duration_s,
      provider, status)
    SELECT id || ' rue du Banc, 34000 Montpellier', %(destination)s,
           (ARRAY['walking', 'bicycling'])[1 + id %% 4], 3000 + id %% 9000, 1800, 'estimate', 'ok'
    FROM generate_series(%(first)s::int, %(last)s::int) id WHERE id %% 4 < 2 AND id %% 10 < 2
    """,
)


def grow(system: BenchmarkSystem, previous_size: int, size: int) -> None:
    """Insert activities until there are `size` of them, with one new employee for each fifty."""
    first, last = (
        FIRST_EMPLOYEE + previous_size // ACTIVITIES_PER_EMPLOYEE,
        FIRST_EMPLOYEE + size // ACTIVITIES_PER_EMPLOYEE - 1,
    )
    system.log(f"growing from {previous_size:,} to {size:,} activities")
    with connect(system.settings, autocommit=True, deadline=LONG_DEADLINE_S) as conn:
        for statement in GROWTH_STATEMENTS:
            conn.execute(statement, {"first": first, "last": last, "destination": system.settings.destination})
        # Employees alternate, as activities arrive in reality: those of one employee lie far apart in the table.
        activities = Changes(range(first, last + 1), first_id=next(id_blocks))
        for inserted in range(previous_size, size, ROWS_PER_COMMIT):
            activities.insert(conn, min(ROWS_PER_COMMIT, size - inserted))
