CREATE OR REPLACE VIEW gold.v_acces (
  moment COMMENT 'Moment de la demande, ou de l''événement d''une session, heure de Paris',
  evenement COMMENT 'question, commande, session ouverte, fermée, interrompue ou refusée, connexion refusée',
  qui COMMENT 'Nom de connexion ; pour une commande, l''utilisateur de la machine',
  role COMMENT 'Rôle de la session ; vide : refusée, ou une commande',
  depuis COMMENT 'Adresse du poste ; vide : une commande sur la machine même',
  demande COMMENT 'Ce qui a été demandé, avec ? à la place de chaque valeur',
  vues COMMENT 'Vues lues',
  resultat COMMENT 'répondu, refusé, échec, annulé, ou interrompu avant la fin',
  cause COMMENT 'Nom de l''erreur, s''il y en a une',
  nb_lignes COMMENT 'Lignes envoyées ; vide : inconnu, le serveur a été interrompu',
  duree_s COMMENT 'Durée de la question ou de la session, en secondes',
  session COMMENT 'Numéro de la session'
)
COMMENT 'Journal des accès : une ligne pour chaque session, chaque question et chaque explication'
TBLPROPERTIES ('digest' = '{digest}')
AS SELECT
  FROM_UTC_TIMESTAMP(TRY_CAST(ligne.at AS TIMESTAMP), 'Europe/Paris') AS moment,
  CASE ligne.event
    WHEN 'statement' THEN 'question'
    WHEN 'command' THEN 'commande'
    WHEN 'session_opened' THEN 'session ouverte'
    WHEN 'session_closed' THEN 'session fermée'
    WHEN 'session_cut' THEN 'session interrompue'
    WHEN 'session_refused' THEN 'session refusée'
    WHEN 'login_refused' THEN 'connexion refusée'
    ELSE ligne.event
  END AS evenement,
  ligne.user AS qui, ligne.role AS role, ligne.client AS depuis, ligne.asked AS demande,
  ARRAY_JOIN(ligne.views, ', ') AS vues,
  CASE ligne.outcome
    WHEN 'answered' THEN 'répondu'
    WHEN 'refused' THEN 'refusé'
    WHEN 'failed' THEN 'échec'
    WHEN 'cancelled' THEN 'annulé'
    WHEN 'cut' THEN 'interrompu'
    ELSE ligne.outcome
  END AS resultat,
  ligne.condition AS cause, ligne.rows AS nb_lignes, CAST(ligne.seconds AS DECIMAL(12, 3)) AS duree_s,
  ligne.session AS session
FROM (
  -- As text: the columns are these whatever the files hold, and a line that its writer left torn is no error.
  SELECT FROM_JSON(
    value,
    'at STRING, event STRING, session STRING, user STRING, role STRING, client STRING, asked STRING,
    views ARRAY<STRING>, outcome STRING, condition STRING, rows BIGINT, seconds DOUBLE, torn STRING',
    MAP('columnNameOfCorruptRecord', 'torn')
  ) AS ligne
  FROM text.`{journal}`
)
WHERE ligne.torn IS NULL AND ligne.event IS NOT NULL
