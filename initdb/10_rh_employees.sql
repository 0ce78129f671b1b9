CREATE TABLE IF NOT EXISTS public.rh_employees (
  id int PRIMARY KEY,
  nom text NOT NULL,
  prenom text NOT NULL,
  date_naissance date,
  date_embauche date,
  business_unit text,
  salaire_brut numeric(12,2) NOT NULL,
  contrat text,
  nb_conges_payes int,
  adresse_complete text,
  moyen_deplacement text,
  valable_depuis date
);
CALL public.capture('public.rh_employees');
-- The distance worker asks for an address and nobody's name, the notifier names people and needs nobody's address.
-- A reader analyses pay and commutes, of numbers and not of people.
REVOKE ALL ON public.rh_employees FROM PUBLIC, rh_sport_worker, rh_sport_distance, rh_sport_notifier, rh_sport_reader;
GRANT SELECT (adresse_complete, moyen_deplacement) ON public.rh_employees TO rh_sport_distance;
GRANT SELECT (id, nom, prenom) ON public.rh_employees TO rh_sport_notifier;
GRANT SELECT (
  id, date_embauche, business_unit, salaire_brut, contrat, nb_conges_payes, moyen_deplacement, valable_depuis
) ON public.rh_employees TO rh_sport_reader;
