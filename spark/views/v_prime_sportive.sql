CREATE OR REPLACE VIEW gold.v_prime_sportive{au} (
  {day_comments}employee_id COMMENT 'Identifiant du salarié',
  year COMMENT '{Année du calcul, à Paris|Année du jour demandé}',
  business_unit COMMENT 'BU du salarié',
  salaire_brut COMMENT 'Salaire brut annuel, en euros',
  moyen_deplacement COMMENT 'Moyen de déplacement déclaré',
  distance_km COMMENT 'Distance domicile-travail par ce moyen, en km ; vide si inconnue',
  distance_source COMMENT 'Origine de la distance : google, ou estimate (estimée)',
  eligible COMMENT 'Vrai si la prime est due',
  motif COMMENT 'eligible, mode_non_eligible, distance_incoherente ou distance_inconnue',
  montant_prime COMMENT 'Prime due, en euros, arrondie au centime ; 0,00 si non éligible'
)
COMMENT '{Prime sportive : une ligne par salarié présent|Prime sportive à une date passée : une ligne par salarié présent ce jour-là}'
TBLPROPERTIES ('digest' = '{digest}')
AS SELECT
  {days}employee_id, year, business_unit, salaire_brut, moyen_deplacement, distance_km,
  distance_source, eligible, motif, montant_prime
FROM delta.`{lake}/gold/prime_sportive{au}`
