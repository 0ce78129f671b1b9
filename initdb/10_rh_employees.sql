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
-- The workers need names, addresses and means of travel, and nobody's salary.
REVOKE SELECT ON public.rh_employees FROM rh_sport_worker;
GRANT SELECT (id, nom, prenom, adresse_complete, moyen_deplacement) ON public.rh_employees TO rh_sport_worker;
