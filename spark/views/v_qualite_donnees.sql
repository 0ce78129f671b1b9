CREATE OR REPLACE VIEW gold.v_qualite_donnees (
  table_source COMMENT 'Table de la base RH',
  motif COMMENT 'Raison du refus',
  etat COMMENT 'ouvert, ou clos une fois la ligne corrigée ou supprimée',
  nb_refus COMMENT 'Modifications refusées',
  premier_refus COMMENT 'Premier refus, heure de Paris',
  dernier_refus COMMENT 'Dernier refus, heure de Paris',
  salaries COMMENT 'Salariés concernés par les refus ouverts, par identifiant'
)
COMMENT 'Données refusées, par table et par raison'
TBLPROPERTIES ('digest' = '{digest}')
AS SELECT table_source, motif, etat, nb_refus, premier_refus, dernier_refus, salaries
FROM delta.`{lake}/gold/qualite_donnees`
UNION ALL
SELECT
  'strava_activities', 'en double', 'ouvert', SUM(nb_doubles), MIN(premier_double), MAX(dernier_double),
  CONCAT(
    ARRAY_JOIN(SLICE(ARRAY_SORT(COLLECT_LIST(employee_id)), 1, 100), ', '),
    CASE WHEN COUNT(*) > 100 THEN CONCAT(' et ', COUNT(*) - 100, ' autres') ELSE '' END
  )
FROM delta.`{lake}/gold/doubles`
HAVING COUNT(*) > 0
