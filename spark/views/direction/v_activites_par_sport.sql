CREATE OR REPLACE VIEW direction.v_activites_par_sport (
  sport COMMENT 'Sport, tel que Strava le nomme, ou Autres pour les petits sports réunis',
  nb_activites COMMENT 'Activités valides de cinq salariés au moins',
  nb_participants COMMENT 'Salariés différents ; ceux de plusieurs lignes ne s''additionnent pas ; vide pour les sports réunis',
  taux_participation COMMENT 'Part des salariés présents qui participent, de 0 à 1 ; vide avec nb_participants',
  distance_km COMMENT 'Distance parcourue, en km ; vide sans aucune activité mesurée, et partout si elle serait de moins de cinq salariés'
)
COMMENT 'Activités et participation des douze derniers mois, sport par sport, par groupes de cinq salariés au moins'
TBLPROPERTIES ('digest' = '{digest}')
AS SELECT
  sport, nb_activites, nb_participants,
  ROUND(nb_participants / (SELECT CAST(COUNT(*) AS DOUBLE) FROM delta.`{lake}/gold/prime_sportive`), 4)
    AS taux_participation,
  distance_km
FROM (
  SELECT
    folded.sport, SUM(nb_activites) AS nb_activites,
    MAX(CASE WHEN folded.sport <> 'Autres' THEN of_sport.nb_participants END) AS nb_participants,
    CASE WHEN MAX(few_measured_of_all) = 0 THEN ROUND(SUM(distance_km), 3) END AS distance_km
  FROM {activity_blocks} AS folded
  LEFT JOIN (
    SELECT sport, nb_participants FROM delta.`{lake}/gold/activites` WHERE niveau = 'sport'
  ) AS of_sport ON of_sport.sport = folded.sport
  GROUP BY folded.sport
)
