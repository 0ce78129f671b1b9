CREATE OR REPLACE VIEW gold.v_proche_du_seuil (
  employee_id COMMENT 'Identifiant du salarié',
  year COMMENT 'Année du calcul, à Paris',
  business_unit COMMENT 'BU du salarié',
  nb_activities_year COMMENT 'Activités valides de la période',
  activites_manquantes COMMENT 'Activités qui manquent pour avoir droit aux jours : de 1 à 3',
  jours_restants COMMENT 'Jours avant la fin de l''année, ou avant que la plus ancienne activité sorte de la fenêtre glissante ; vide : aucune n''en sortira'
)
COMMENT 'Salariés à trois activités ou moins des jours bien-être'
TBLPROPERTIES ('digest' = '{digest}')
AS SELECT
  employee_id, year, business_unit, nb_activities_year, activites_manquantes,
  IF(fin IS NULL, NULL, GREATEST(0, DATEDIFF(fin, FROM_UTC_TIMESTAMP(CURRENT_TIMESTAMP(), 'Europe/Paris'))))
    AS jours_restants
FROM (
  SELECT *, IF(
    fenetre = 'calendar_year',
    MAKE_DATE(year, 12, 31),
    -- A 29 February leaves a window on the 1 March that follows.
    DATE_ADD(ADD_MONTHS(first_activity_date, 12), DAY(first_activity_date) - DAY(ADD_MONTHS(first_activity_date, 12)))
  ) AS fin
  FROM delta.`{lake}/gold/wellbeing`
)
JOIN delta.`{lake}/gold/prime_sportive` USING (employee_id, year)
WHERE activites_manquantes BETWEEN 1 AND 3
