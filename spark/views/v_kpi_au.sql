CREATE OR REPLACE VIEW gold.v_kpi_au (
  as_of COMMENT 'Jour dont les données comptent, à Paris',
  known_at COMMENT 'Dernier jour dont les connaissances comptent, à Paris',
  year COMMENT 'Année du jour demandé',
  business_unit COMMENT 'BU, ou Total : ne pas additionner le Total aux BU',
  nb_salaries COMMENT 'Salariés présents',
  nb_primes COMMENT 'Salariés qui reçoivent la prime',
  cout_primes COMMENT 'Coût de la prime, en euros : somme des montants arrondis',
  nb_bien_etre COMMENT 'Salariés qui ont droit aux jours bien-être',
  jours_bien_etre COMMENT 'Jours bien-être accordés',
  nb_participants COMMENT 'Salariés avec au moins une activité valide dans la période',
  taux_participation COMMENT 'Part des salariés qui participent, de 0 à 1'
)
COMMENT 'Indicateurs à une date passée, par BU et au total'
TBLPROPERTIES ('digest' = '{digest}')
AS SELECT
  p.as_of, p.known_at, p.year,
  IF(GROUPING(p.unit) = 1, 'Total', p.unit) AS business_unit,
  COUNT(*) AS nb_salaries,
  COUNT_IF(p.eligible) AS nb_primes,
  SUM(p.montant_prime) AS cout_primes,
  COUNT_IF(w.eligible) AS nb_bien_etre,
  SUM(w.jours_bien_etre) AS jours_bien_etre,
  COUNT_IF(w.nb_activities_year > 0) AS nb_participants,
  ROUND(COUNT_IF(w.nb_activities_year > 0) / COUNT(*), 4) AS taux_participation
FROM (
  SELECT *, COALESCE(business_unit, 'Non renseignée') AS unit FROM delta.`{lake}/gold/prime_sportive_au`
) AS p
LEFT JOIN delta.`{lake}/gold/wellbeing_au` AS w
  ON w.as_of = p.as_of AND w.known_at = p.known_at AND w.employee_id = p.employee_id AND w.year = p.year
GROUP BY GROUPING SETS ((p.as_of, p.known_at, p.year, p.unit), (p.as_of, p.known_at, p.year))
