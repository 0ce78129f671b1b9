CREATE OR REPLACE VIEW gold.v_declarations_a_verifier (
  employee_id COMMENT 'Identifiant du salarié',
  year COMMENT 'Année du calcul, à Paris',
  business_unit COMMENT 'BU du salarié',
  moyen_deplacement COMMENT 'Moyen de déplacement déclaré',
  distance_km COMMENT 'Distance domicile-travail par ce moyen, en km ; vide si inconnue',
  limite_km COMMENT 'Distance maximale admise pour ce moyen, en km',
  distance_source COMMENT 'Origine de la distance : google, ou estimate (estimée)',
  motif COMMENT 'Motif de la prime, tel que dans v_prime_sportive',
  a_verifier COMMENT 'Ce qu''il y a à vérifier',
  montant_en_jeu COMMENT 'Prime due si le trajet est dans la limite, en euros',
  nb_a_l_adresse COMMENT 'Salariés présents qui déclarent cette adresse'
)
COMMENT 'Déclarations de trajet à vérifier par les RH'
TBLPROPERTIES ('digest' = '{digest}')
AS SELECT
  employee_id, year, business_unit, moyen_deplacement, distance_km, limite_km, distance_source, motif,
  ARRAY_JOIN(raisons, ' ; ') AS a_verifier,
  montant_en_jeu, nb_a_l_adresse
FROM (
  SELECT
    *,
    ARRAY_COMPACT(ARRAY(
      IF(motif = 'distance_inconnue', 'distance inconnue : vérifier l''adresse', NULL),
      IF(
        motif = 'distance_incoherente',
        'distance au-delà de la limite : vérifier l''adresse et le moyen déclaré',
        NULL
      ),
      IF(
        motif = 'eligible' AND distance_source = 'estimate' AND distance_km >= 0.9 * limite_km,
        'distance estimée à moins de 10 % de la limite : vérifier le trajet',
        NULL
      ),
      IF(nb_a_l_adresse > 1, 'plusieurs salariés à cette adresse : vérifier les adresses', NULL)
    )) AS raisons
  FROM delta.`{lake}/gold/prime_sportive`
)
WHERE SIZE(raisons) > 0
