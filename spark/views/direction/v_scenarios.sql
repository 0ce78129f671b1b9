CREATE OR REPLACE VIEW direction.v_scenarios (
  scenario COMMENT 'Nom du scénario',
  as_of COMMENT 'Jour dont les données comptent, à Paris',
  known_at COMMENT 'Dernier jour dont les connaissances comptent ; vide : tout ce qui est connu',
  regles COMMENT 'Règles que le scénario change',
  nb_salaries COMMENT 'Salariés présents ; vide si moins de cinq distinguent le scénario d''un autre chiffre',
  nb_primes COMMENT 'Salariés qui recevraient la prime ; vide si moins de cinq distinguent le scénario d''un autre chiffre',
  nb_primes_reel COMMENT 'Salariés qui reçoivent la prime ; vide avec nb_primes',
  cout_primes COMMENT 'Coût de la prime dans le scénario, en euros ; vide avec nb_primes',
  cout_primes_reel COMMENT 'Coût réel de la prime, en euros ; vide avec nb_primes',
  ecart_cout COMMENT 'Coût du scénario moins coût réel, en euros ; vide avec nb_primes',
  jours_bien_etre COMMENT 'Jours bien-être accordés dans le scénario ; vide si moins de cinq salariés distinguent le scénario d''un autre chiffre',
  jours_bien_etre_reel COMMENT 'Jours bien-être accordés en réalité ; vide avec jours_bien_etre',
  ecart_jours COMMENT 'Jours du scénario moins jours réels ; vide avec jours_bien_etre'
)
COMMENT 'Chaque scénario à côté des chiffres réels du même calcul, pour toute l''entreprise'
TBLPROPERTIES ('digest' = '{digest}')
AS SELECT
  scenario, as_of, known_at, regles,
  CASE WHEN few_people = 0 THEN nb_salaries END AS nb_salaries,
  CASE WHEN few_paid = 0 THEN nb_primes END AS nb_primes,
  CASE WHEN few_paid = 0 THEN nb_primes_reel END AS nb_primes_reel,
  CASE WHEN few_paid = 0 THEN cout_primes END AS cout_primes,
  CASE WHEN few_paid = 0 THEN cout_primes_reel END AS cout_primes_reel,
  CASE WHEN few_paid = 0 THEN cout_primes - cout_primes_reel END AS ecart_cout,
  CASE WHEN few_granted = 0 THEN jours_bien_etre END AS jours_bien_etre,
  CASE WHEN few_granted = 0 THEN jours_bien_etre_reel END AS jours_bien_etre_reel,
  CASE WHEN few_granted = 0 THEN jours_bien_etre - jours_bien_etre_reel END AS ecart_jours
FROM (
  SELECT
    scenario, as_of, known_at, regles, COUNT(*) AS nb_salaries,
    {nb_primes} AS nb_primes, {nb_primes_reel} AS nb_primes_reel,
    {cout_primes} AS cout_primes, {cout_primes_reel} AS cout_primes_reel,
    {jours_bien_etre} AS jours_bien_etre, {jours_bien_etre_reel} AS jours_bien_etre_reel
  FROM delta.`{lake}/gold/scenarios`
  GROUP BY scenario, as_of, known_at, regles
  HAVING COUNT(*) >= 5
) AS compared
JOIN {scenario_gaps} AS gaps USING (scenario)
