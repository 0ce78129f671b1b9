"""The sports that HR's files name: their French names, in the one spelling that Postgres holds."""

FRENCH_SPORT_NAMES = (
    "Running",
    "Trail",
    "Vélo",
    "Randonnée",
    "Marche",
    "Natation",
    "Triathlon",
    "Équitation",
    "Voile",
    "Tennis",
    "Tennis de table",
    "Badminton",
    "Escalade",
    "Judo",
    "Boxe",
    "Rugby",
    "Football",
    "Basketball",
    "Volley-ball",
)
