CREATE OR REPLACE VIEW direction.v_cout_primes (
  year COMMENT 'Année du calcul, à Paris',
  business_unit COMMENT 'BU des salariés, ou Autres pour les mêmes petites BU que dans v_kpi',
  moyen_deplacement COMMENT 'Moyen de déplacement déclaré, ou Autres pour les petits groupes de la BU réunis',
  nb_salaries COMMENT 'Salariés présents : cinq au moins',
  nb_primes COMMENT 'Salariés qui reçoivent la prime ; vide s''ils sont de un à quatre dans l''entreprise',
  cout_primes COMMENT 'Coût de la prime, en euros : somme des montants arrondis ; vide avec nb_primes'
)
COMMENT 'Coût de la prime sportive, par BU et par moyen de déplacement, par groupes de cinq salariés au moins'
TBLPROPERTIES ('digest' = '{digest}')
AS SELECT
  year, business_unit, moyen_deplacement, nb_salaries,
  CASE WHEN few_paid = 0 THEN nb_primes END AS nb_primes,
  CASE WHEN few_paid = 0 THEN cout_primes END AS cout_primes
FROM (
  SELECT *, MAX(CASE WHEN nb_primes BETWEEN 1 AND 4 THEN 1 ELSE 0 END) OVER () AS few_paid
  FROM (
    SELECT
      year, unit AS business_unit, mode AS moyen_deplacement,
      SUM(nb_salaries) AS nb_salaries, SUM(nb_primes) AS nb_primes, CAST(SUM(cout_primes) AS DECIMAL(22, 2)) AS cout_primes
    FROM {employee_blocks} AS blocks
    GROUP BY year, unit, mode
  )
)
WHERE nb_salaries >= 5
