CREATE OR REPLACE VIEW direction.v_activites_par_mois (
  mois COMMENT 'Premier jour du mois, à Paris ; vide pour les petits mois réunis',
  nb_activites COMMENT 'Activités valides de cinq salariés au moins',
  nb_participants COMMENT 'Salariés différents ; ceux de plusieurs lignes ne s''additionnent pas ; vide pour les mois réunis',
  taux_participation COMMENT 'Part des salariés présents qui participent, de 0 à 1 ; vide avec nb_participants',
  distance_km COMMENT 'Distance parcourue, en km ; vide sans aucune activité mesurée, et partout si elle serait de moins de cinq salariés'
)
COMMENT 'Activités et participation des douze derniers mois, mois par mois, par groupes de cinq salariés au moins'
TBLPROPERTIES ('digest' = '{digest}')
AS SELECT
  mois, nb_activites, nb_participants,
  ROUND(nb_participants / (SELECT CAST(COUNT(*) AS DOUBLE) FROM delta.`{lake}/gold/prime_sportive`), 4)
    AS taux_participation,
  distance_km
FROM (
  SELECT
    mois, SUM(nb_activites) AS nb_activites, MAX(nb_participants) AS nb_participants, MAX(distance_km) AS distance_km
  FROM (
    SELECT mois, nb_activites, CASE WHEN mois IS NOT NULL THEN nb_participants END AS nb_participants,
      CAST(NULL AS DOUBLE) AS distance_km
    FROM {folded_months} AS months WHERE niveau = 'mois' AND most_in_a_month >= 5
    UNION ALL
    SELECT mois, 0, CAST(NULL AS BIGINT), ROUND(SUM(distance_km), 3)
    FROM {activity_blocks} AS blocks WHERE few_measured_of_all = 0 GROUP BY mois
  )
  GROUP BY mois
)
