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
  montant_en_jeu COMMENT 'Prime qui serait due si la déclaration est confirmée, en euros'
)
COMMENT 'Déclarations de trajet à vérifier par les RH'
AS SELECT
  employee_id, year, business_unit, moyen_deplacement, distance_km, limite_km, distance_source, motif,
  CASE motif
    WHEN 'distance_inconnue' THEN 'distance inconnue : vérifier l''adresse'
    WHEN 'distance_incoherente' THEN 'distance au-delà de la limite : vérifier l''adresse et le moyen déclaré'
    ELSE 'distance estimée à moins de 10 % de la limite : vérifier le trajet'
  END AS a_verifier,
  montant_en_jeu
FROM delta.`{lake}/gold/prime_sportive`
WHERE motif IN ('distance_inconnue', 'distance_incoherente')
  OR (motif = 'eligible' AND distance_source = 'estimate' AND distance_km >= 0.9 * limite_km)
