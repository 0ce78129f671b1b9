CREATE OR REPLACE VIEW gold.v_activites_par_bu (
  business_unit COMMENT 'BU des salariés',
  mois COMMENT 'Premier jour du mois, à Paris',
  sport COMMENT 'Sport, tel que Strava le nomme',
  nb_activites COMMENT 'Activités valides',
  nb_participants COMMENT 'Salariés différents',
  distance_km COMMENT 'Distance parcourue, en km ; vide pour un sport sans distance'
)
COMMENT 'Activités des douze derniers mois, par BU, mois et sport'
AS SELECT
  COALESCE(business_unit, 'Non renseignée') AS business_unit, mois, sport,
  SUM(nb_activites) AS nb_activites, COUNT(DISTINCT employee_id) AS nb_participants,
  ROUND(SUM(distance_km), 3) AS distance_km
FROM delta.`{lake}/gold/activites_par_mois`
GROUP BY COALESCE(business_unit, 'Non renseignée'), mois, sport
