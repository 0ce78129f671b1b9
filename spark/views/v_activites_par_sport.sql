CREATE OR REPLACE VIEW gold.v_activites_par_sport (
  sport COMMENT 'Sport, tel que Strava le nomme',
  nb_activites COMMENT 'Activités valides',
  nb_participants COMMENT 'Salariés différents ; ceux de plusieurs lignes ne s''additionnent pas',
  taux_participation COMMENT 'Part des salariés présents qui participent, de 0 à 1',
  distance_km COMMENT 'Distance parcourue, en km ; vide sans aucune activité mesurée'
)
COMMENT 'Activités et participation des douze derniers mois, sport par sport'
TBLPROPERTIES ('digest' = '{digest}')
AS SELECT
  sport, nb_activites, nb_participants,
  ROUND(nb_participants / (SELECT COUNT(*) FROM delta.`{lake}/gold/prime_sportive`), 4) AS taux_participation,
  distance_km
FROM delta.`{lake}/gold/activites`
WHERE niveau = 'sport'
