CREATE OR REPLACE VIEW gold.v_kpi (
  year COMMENT 'Année du calcul, à Paris',
  business_unit COMMENT 'BU, ou Total : ne pas additionner le Total aux BU',
  nb_salaries COMMENT 'Salariés présents',
  nb_primes COMMENT 'Salariés qui reçoivent la prime',
  cout_primes COMMENT 'Coût de la prime, en euros : somme des montants arrondis',
  nb_bien_etre COMMENT 'Salariés qui ont droit aux jours bien-être',
  jours_bien_etre COMMENT 'Jours bien-être accordés',
  nb_participants COMMENT 'Salariés avec au moins une activité valide dans la période',
  taux_participation COMMENT 'Part des salariés qui participent, de 0 à 1'
)
COMMENT 'Indicateurs de l''année du calcul, par BU et au total'
TBLPROPERTIES ('digest' = '{digest}')
AS SELECT
  p.year,
  IF(GROUPING(p.unit) = 1, 'Total', p.unit) AS business_unit,
  COUNT(*) AS nb_salaries,
  COUNT_IF(p.eligible) AS nb_primes,
  SUM(p.montant_prime) AS cout_primes,
  COUNT_IF(w.eligible) AS nb_bien_etre,
  SUM(w.jours_bien_etre) AS jours_bien_etre,
  COUNT_IF(w.nb_activities_year > 0) AS nb_participants,
  ROUND(COUNT_IF(w.nb_activities_year > 0) / COUNT(*), 4) AS taux_participation
FROM (
  SELECT *, COALESCE(business_unit, 'Non renseignée') AS unit FROM delta.`{lake}/gold/prime_sportive`
) AS p
LEFT JOIN delta.`{lake}/gold/wellbeing` AS w ON w.employee_id = p.employee_id AND w.year = p.year
GROUP BY GROUPING SETS ((p.year, p.unit), (p.year))
