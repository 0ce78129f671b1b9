CREATE OR REPLACE VIEW gold.v_scenarios (
  scenario COMMENT 'Nom du scénario',
  as_of COMMENT 'Jour dont les données comptent, à Paris',
  known_at COMMENT 'Dernier jour dont les connaissances comptent ; vide : tout ce qui est connu',
  regles COMMENT 'Règles que le scénario change',
  business_unit COMMENT 'BU, ou Total : ne pas additionner le Total aux BU',
  nb_salaries COMMENT 'Salariés présents',
  nb_primes COMMENT 'Salariés qui recevraient la prime',
  nb_primes_reel COMMENT 'Salariés qui reçoivent la prime',
  cout_primes COMMENT 'Coût de la prime dans le scénario, en euros',
  cout_primes_reel COMMENT 'Coût réel de la prime, en euros',
  ecart_cout COMMENT 'Coût du scénario moins coût réel, en euros',
  jours_bien_etre COMMENT 'Jours bien-être accordés dans le scénario',
  jours_bien_etre_reel COMMENT 'Jours bien-être accordés en réalité',
  ecart_jours COMMENT 'Jours du scénario moins jours réels',
  nb_distances_inconnues COMMENT 'Trajets actifs dont la distance n''est pas connue dans le scénario : comptés sans prime'
)
COMMENT 'Chaque scénario à côté des chiffres réels du même calcul, par BU et au total'
TBLPROPERTIES ('digest' = '{digest}')
AS SELECT
  scenario, as_of, known_at, regles,
  {unit_or_total} AS business_unit,
  COUNT(*) AS nb_salaries,
  {nb_primes} AS nb_primes,
  {nb_primes_reel} AS nb_primes_reel,
  {cout_primes} AS cout_primes,
  {cout_primes_reel} AS cout_primes_reel,
  {cout_primes} - {cout_primes_reel} AS ecart_cout,
  {jours_bien_etre} AS jours_bien_etre,
  {jours_bien_etre_reel} AS jours_bien_etre_reel,
  {jours_bien_etre} - {jours_bien_etre_reel} AS ecart_jours,
  COUNT(*) FILTER (WHERE distance_inconnue) AS nb_distances_inconnues
FROM (SELECT *, {unit} AS unit FROM delta.`{lake}/gold/scenarios`)
GROUP BY scenario, as_of, known_at, regles, ROLLUP (unit)
