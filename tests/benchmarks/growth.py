"""A company that grows by SQL: employees, what they practise, some known commutes, and their activities."""

from benchmarks.changes import Changes, blocks
from benchmarks.system import System
from lakehouse.source.postgres import connect

EACH = 50  # activities of an employee
COMMIT = 10_000  # rows
FIRST_EMPLOYEE = 1_000_000
GROWS = (
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


def grow(it: System, before: int, size: int) -> None:
    """Bring the activities from one number to another, with an employee for each fifty."""
    first, last = FIRST_EMPLOYEE + before // EACH, FIRST_EMPLOYEE + size // EACH - 1
    it.say(f"growing from {before:,} to {size:,} activities")
    with connect(it.settings, autocommit=True) as conn:
        for statement in GROWS:
            conn.execute(statement.encode(), {"first": first, "last": last, "destination": it.settings.destination})
        # Each has the next one in turn, as activities come in: those of one employee lie far apart.
        activities = Changes(range(first, last + 1), first=next(blocks))
        for made in range(before, size, COMMIT):
            activities.insert(conn, min(COMMIT, size - made))
