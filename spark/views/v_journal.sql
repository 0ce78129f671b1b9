CREATE OR REPLACE VIEW gold.v_journal (
  debut COMMENT 'Début du calcul, heure de Paris',
  duree_s COMMENT 'Durée du calcul, en secondes',
  resultat COMMENT 'ok, ou failed et la sorte d''erreur',
  as_of COMMENT 'Jour dont les données comptent, à Paris',
  known_at COMMENT 'Dernier jour dont les connaissances comptent ; vide : tout ce qui est connu',
  scenarios COMMENT 'Scénarios calculés et les règles que chacun change, s''il y en a',
  nb_modifications COMMENT 'Modifications prises en compte',
  nb_refus COMMENT 'Modifications refusées, parmi elles',
  nb_lignes COMMENT 'Lignes ajoutées, modifiées ou supprimées par elles',
  par_table COMMENT 'Modifications lues, refusées, et lignes touchées de chaque table',
  regles COMMENT 'Règles en vigueur',
  versions COMMENT 'Versions des tables lues',
  chiffres_avant COMMENT 'Totaux avant le calcul',
  chiffres_apres COMMENT 'Totaux après le calcul',
  ecarts COMMENT 'Totaux qui ont bougé plus que la part admise, et de quelle part',
  secondes COMMENT 'Secondes de chaque étape',
  positions COMMENT 'Dernière position lue de chaque table',
  refus_ouverts COMMENT 'Refus non résolus de chaque table : combien, et les lignes et salariés des plus récents',
  preuve COMMENT 'prouvé : les données lues étaient celles de Postgres ; sinon, pourquoi rien n''est prouvé',
  coupe_prouvee COMMENT 'Moment de la coupe prouvée sur laquelle repose le calcul, heure de Paris',
  lignes_prouvees COMMENT 'Lignes comparées à Postgres, valeur par valeur',
  lignes_comptees COMMENT 'Lignes des tables longues, dont seul le nombre est comparé',
  preuve_par_table COMMENT 'Lignes comparées (checksum), comptées (count) et mises à part (left_out) de chaque table',
  positions_prouvees COMMENT 'Dernière position de chaque table dans la coupe prouvée'
)
COMMENT 'Journal des calculs : une ligne chacun, aussi de ceux qui ont échoué en route'
TBLPROPERTIES ('digest' = '{digest}')
AS SELECT
  FROM_UTC_TIMESTAMP(started_at, 'Europe/Paris') AS debut,
  CAST(TIMESTAMPDIFF(MILLISECOND, started_at, finished_at) / 1000 AS DECIMAL(10, 1)) AS duree_s,
  outcome, as_of, known_at, scenarios, change_count, refused_count, row_count, tables, rules, input_versions, totals_before,
  totals_after, anomalies, seconds, input_offsets, open_refusals,
  CASE proof
    WHEN 'proved' THEN 'prouvé'
    WHEN 'differs' THEN 'écart avec Postgres : rien n''a été calculé'
    WHEN 'unverified' THEN 'non prouvé (--unverified)'
    WHEN 'not waited' THEN 'non prouvé (--wait 0)'
    WHEN 'rests on proved cut' THEN 'repose sur la dernière coupe prouvée'
    WHEN 'no proved cut' THEN 'non prouvé (aucune coupe prouvée)'
    ELSE 'non prouvé'
  END AS preuve,
  FROM_UTC_TIMESTAMP(proved_at, 'Europe/Paris') AS coupe_prouvee,
  proved_rows, counted_rows, proved_tables, proved_cut
FROM delta.`{lake}/gold/runs`
