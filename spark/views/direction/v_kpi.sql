CREATE OR REPLACE VIEW direction.v_kpi (
  year COMMENT 'Année du calcul, à Paris',
  business_unit COMMENT 'BU, Autres pour les petites BU réunies, ou Total : ne pas additionner le Total aux BU',
  nb_salaries COMMENT 'Salariés présents : cinq au moins',
  nb_primes COMMENT 'Salariés qui reçoivent la prime ; vide s''ils seraient de un à quatre',
  cout_primes COMMENT 'Coût de la prime, en euros : somme des montants arrondis ; vide avec nb_primes',
  nb_bien_etre COMMENT 'Salariés qui ont droit aux jours bien-être ; vide pour toutes les BU s''ils seraient de un à quatre dans une',
  jours_bien_etre COMMENT 'Jours bien-être accordés ; vide avec nb_bien_etre',
  nb_participants COMMENT 'Salariés avec au moins une activité valide dans la période ; vide pour toutes les BU s''ils seraient de un à quatre dans une',
  taux_participation COMMENT 'Part des salariés qui participent, de 0 à 1 ; vide avec nb_participants'
)
COMMENT 'Indicateurs de l''année du calcul, par BU et au total, par groupes de cinq salariés au moins'
TBLPROPERTIES ('digest' = '{digest}')
AS SELECT
  year, business_unit, nb_salaries,
  CASE WHEN few_paid = 0 THEN nb_primes END AS nb_primes,
  CASE WHEN few_paid = 0 THEN cout_primes END AS cout_primes,
  CASE WHEN few_granted = 0 THEN nb_bien_etre END AS nb_bien_etre,
  CASE WHEN few_granted = 0 THEN jours_bien_etre END AS jours_bien_etre,
  CASE WHEN few_taking_part = 0 THEN nb_participants END AS nb_participants,
  CASE WHEN few_taking_part = 0 THEN ROUND(nb_participants / CAST(nb_salaries AS DOUBLE), 4) END AS taux_participation
FROM (
  SELECT
    *,
    MAX(CASE WHEN nb_primes BETWEEN 1 AND 4 THEN 1 ELSE 0 END) OVER (PARTITION BY is_total) AS few_paid,
    MAX(CASE WHEN nb_bien_etre BETWEEN 1 AND 4 THEN 1 ELSE 0 END) OVER (PARTITION BY is_total) AS few_granted,
    MAX(CASE WHEN nb_participants BETWEEN 1 AND 4 THEN 1 ELSE 0 END) OVER (PARTITION BY is_total) AS few_taking_part
  FROM (
    SELECT
      year, {unit_or_total} AS business_unit, GROUPING(unit) AS is_total,
      SUM(nb_salaries) AS nb_salaries, SUM(nb_primes) AS nb_primes, CAST(SUM(cout_primes) AS DECIMAL(22, 2)) AS cout_primes,
      SUM(nb_bien_etre) AS nb_bien_etre, SUM(jours_bien_etre) AS jours_bien_etre,
      SUM(nb_participants) AS nb_participants
    FROM {employee_blocks} AS blocks
    GROUP BY year, ROLLUP (unit)
  )
)
WHERE nb_salaries >= 5
