CREATE OR REPLACE VIEW gold.v_kpi{au} (
  {day_comments}year COMMENT '{Année du calcul, à Paris|Année du jour demandé}',
  business_unit COMMENT 'BU, ou Total : ne pas additionner le Total aux BU',
  nb_salaries COMMENT 'Salariés présents',
  nb_primes COMMENT 'Salariés qui reçoivent la prime',
  cout_primes COMMENT 'Coût de la prime, en euros : somme des montants arrondis',
  nb_bien_etre COMMENT 'Salariés qui ont droit aux jours bien-être',
  jours_bien_etre COMMENT 'Jours bien-être accordés',
  nb_participants COMMENT 'Salariés avec au moins une activité valide dans la période',
  taux_participation COMMENT 'Part des salariés qui participent, de 0 à 1'
)
COMMENT '{Indicateurs de l''année du calcul, par BU et au total|Indicateurs à une date passée, par BU et au total}'
TBLPROPERTIES ('digest' = '{digest}')
AS SELECT
  {days}year,
  {unit_or_total} AS business_unit,
  COUNT(*) AS nb_salaries,
  {nb_primes} AS nb_primes,
  {cout_primes} AS cout_primes,
  COUNT(*) FILTER (WHERE bien_etre) AS nb_bien_etre,
  {jours_bien_etre} AS jours_bien_etre,
  COUNT(*) FILTER (WHERE nb_activities_year > 0) AS nb_participants,
  ROUND(COUNT(*) FILTER (WHERE nb_activities_year > 0) / COUNT(*), 4) AS taux_participation
FROM (SELECT *, {unit} AS unit FROM delta.`{lake}/gold/prime_sportive{au}`)
LEFT JOIN (
  SELECT {days}employee_id, year, eligible AS bien_etre, jours_bien_etre, nb_activities_year
  FROM delta.`{lake}/gold/wellbeing{au}`
) USING ({days}employee_id, year)
GROUP BY {days}year, ROLLUP (unit)
