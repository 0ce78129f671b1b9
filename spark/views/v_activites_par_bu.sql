CREATE OR REPLACE VIEW gold.v_activites_par_bu (
  business_unit COMMENT 'BU des salariés',
  mois COMMENT 'Premier jour du mois, à Paris',
  sport COMMENT 'Sport, tel que Strava le nomme',
  nb_activites COMMENT 'Activités valides',
  nb_participants COMMENT 'Salariés différents',
  distance_km COMMENT 'Distance parcourue, en km ; vide pour un sport sans distance'
)
COMMENT 'Activités des douze derniers mois, par BU, mois et sport'
TBLPROPERTIES ('digest' = '{digest}')
AS SELECT
  {unit} AS business_unit, mois, sport,
  nb_activites, nb_participants, distance_km
FROM delta.`{lake}/gold/activites`
WHERE niveau = 'bu'
