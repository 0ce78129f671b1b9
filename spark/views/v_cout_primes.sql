CREATE OR REPLACE VIEW gold.v_cout_primes (
  year COMMENT 'Année du calcul, à Paris',
  business_unit COMMENT 'BU des salariés',
  moyen_deplacement COMMENT 'Moyen de déplacement déclaré',
  nb_salaries COMMENT 'Salariés présents',
  nb_primes COMMENT 'Salariés qui reçoivent la prime',
  cout_primes COMMENT 'Coût de la prime, en euros : somme des montants arrondis'
)
COMMENT 'Coût de la prime sportive, par BU et par moyen de déplacement'
TBLPROPERTIES ('digest' = '{digest}')
AS SELECT
  year,
  {unit} AS business_unit,
  COALESCE(moyen_deplacement, 'Non renseigné') AS moyen_deplacement,
  COUNT(*) AS nb_salaries,
  {nb_primes} AS nb_primes,
  {cout_primes} AS cout_primes
FROM delta.`{lake}/gold/prime_sportive`
GROUP BY 1, 2, 3
