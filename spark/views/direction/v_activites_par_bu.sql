CREATE OR REPLACE VIEW direction.v_activites_par_bu (
  business_unit COMMENT 'BU des salariés, ou Autres pour celles de moins de cinq participants réunies',
  mois COMMENT 'Premier jour du mois, à Paris ; vide pour les petits mois réunis',
  sport COMMENT 'Sport, tel que Strava le nomme, ou Autres pour les petits sports réunis',
  nb_activites COMMENT 'Activités valides de cinq salariés au moins',
  nb_participants COMMENT 'Salariés différents ; vide là où des mois ou des sports sont réunis',
  distance_km COMMENT 'Distance parcourue, en km ; vide pour un sport sans distance, et partout si elle serait de moins de cinq salariés'
)
COMMENT 'Activités des douze derniers mois, par BU, mois et sport, par groupes de cinq salariés au moins'
TBLPROPERTIES ('digest' = '{digest}')
AS SELECT
  unit AS business_unit, mois, sport, nb_activites, nb_participants,
  CASE WHEN few_measured = 0 THEN ROUND(distance_km, 3) END AS distance_km
FROM {activity_blocks} AS blocks
