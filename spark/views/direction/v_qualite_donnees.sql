CREATE OR REPLACE VIEW direction.v_qualite_donnees (
  table_source COMMENT 'Table de la base RH, ou Autres pour les petits groupes réunis',
  motif COMMENT 'Raison du refus, ou Autres',
  etat COMMENT 'ouvert, ou clos une fois la ligne corrigée ou supprimée, ou Autres',
  nb_refus COMMENT 'Modifications refusées, de cinq salariés au moins'
)
COMMENT 'Données refusées, par table et par raison, par groupes de cinq salariés au moins'
TBLPROPERTIES ('digest' = '{digest}')
AS SELECT
  CASE WHEN is_folded THEN 'Autres' ELSE table_source END AS table_source,
  CASE WHEN is_folded THEN 'Autres' ELSE motif END AS motif,
  CASE WHEN is_folded THEN 'Autres' ELSE etat END AS etat,
  SUM(nb_refus) AS nb_refus
FROM (
  SELECT *, place <= COALESCE(MAX(CASE WHEN nb_people < 5 THEN place + 1 END) OVER (), 0) AS is_folded
  FROM (
    SELECT
      *,
      ROW_NUMBER() OVER (ORDER BY nb_people, nb_refus, table_source, motif, etat) AS place,
      MAX(nb_people) OVER () AS most_people
    FROM (
      -- The employees of open refusals are known, those of closed ones are not.
      SELECT table_source, motif, etat, nb_refus,
        CASE
          WHEN salaries IS NULL THEN 0
          ELSE CHAR_LENGTH(salaries) - CHAR_LENGTH(REPLACE(salaries, ',', '')) + 1
        END AS nb_people
      FROM delta.`{lake}/gold/qualite_donnees`
      UNION ALL
      SELECT 'strava_activities', 'en double', 'ouvert', SUM(nb_doubles), COUNT(*)
      FROM delta.`{lake}/gold/doubles`
      HAVING COUNT(*) > 0
    )
  )
)
WHERE most_people >= 5
GROUP BY 1, 2, 3
