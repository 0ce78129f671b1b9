CREATE OR REPLACE VIEW gold.v_wellbeing{au} (
  {day_comments}employee_id COMMENT 'Identifiant du salarié',
  year COMMENT '{Année civile à Paris, ou année de la fin de la fenêtre glissante|Année du jour demandé}',
  nb_activities_year COMMENT 'Activités valides de la période',
  first_activity_date COMMENT 'Première activité de la période, heure de Paris',
  last_activity_date COMMENT 'Dernière activité de la période, heure de Paris',
  eligible COMMENT 'Vrai si les jours sont accordés',
  jours_bien_etre COMMENT 'Jours bien-être accordés',
  activites_manquantes COMMENT 'Activités qui manquent pour y avoir droit'
)
COMMENT '{Jours bien-être : une ligne par salarié présent et par année|Jours bien-être à une date passée : une ligne par salarié présent ce jour-là}'
TBLPROPERTIES ('digest' = '{digest}')
AS SELECT
  {days}employee_id, year, nb_activities_year, first_activity_date, last_activity_date,
  eligible, jours_bien_etre, activites_manquantes
FROM delta.`{lake}/gold/wellbeing{au}`
