"""What is said of each sport, by Strava's sport_type."""

from typing import NamedTuple


class Phrase(NamedTuple):
    """One way to say it; the person's name comes after the greeting, the comment between `before` and `after`."""

    greeting: str
    says: str
    before: str
    after: str


RUNNING = (
    Phrase("Bravo", "Tu viens de courir {distance} en {duration} ! Quelle énergie !", "🔥", "🏅"),
    Phrase("Superbe course,", "{distance} avalés en {duration} ! Rien ne t'arrête !", "🏃", "💨"),
    Phrase("Chapeau,", "Encore {distance} de course en {duration} ! Quelle régularité !", "👏", "🏃"),
)
RIDING = (
    Phrase("Bravo", "{distance} à vélo en {duration} ! Quelle cadence !", "🚴", "🔥"),
    Phrase("Belle sortie,", "Tu viens de pédaler {distance} en {duration} !", "🚲", "💪"),
    Phrase("Chapeau,", "{distance} au guidon en {duration} ! Ça roule !", "🚴", "👏"),
)
HIKING = (
    Phrase("Magnifique", "Une randonnée de {distance} terminée !", "🌄", "🏕"),
    Phrase("Bravo", "{distance} de randonnée en {duration} ! Quel bol d'air !", "🥾", "🌲"),
)
WALKING = (
    Phrase("Bravo", "Une marche de {distance} en {duration} ! Chaque pas compte !", "🚶", "👏"),
    Phrase("Belle balade,", "Tu viens de marcher {distance} en {duration} !", "🚶", "🌳"),
)
SWIMMING = (
    Phrase("Bravo", "{distance} à la nage en {duration} ! Comme un poisson dans l'eau !", "🏊", "🐬"),
    Phrase("Quelle glisse,", "Tu viens de nager {distance} en {duration} !", "🏊", "💦"),
)
RIDING_A_HORSE = (Phrase("Bravo", "{distance} à cheval en {duration} ! Quelle allure !", "🏇", "👏"),)
SAILING = (Phrase("Bon vent,", "{distance} à la voile en {duration} !", "⛵", "🌊"),)
MOVING = (
    Phrase("Bravo", "{distance} parcourus en {duration} ! Beau travail !", "💪", "👏"),
    Phrase("Belle séance,", "Tu viens de parcourir {distance} en {duration} !", "🔥", "🏅"),
)

WITH_DISTANCE = {
    "Run": RUNNING,
    "TrailRun": RUNNING,
    "Ride": RIDING,
    "Hike": HIKING,
    "Walk": WALKING,
    "Swim": SWIMMING,
    "HorseRiding": RIDING_A_HORSE,
    "Sail": SAILING,
}

# Said of a sport without a distance, or with none recorded.
WITH_TIME = (
    Phrase("Bravo", "{duration} {sport} ! Quelle énergie !", "{emoji}", "🔥"),
    Phrase("Belle séance,", "Tu viens de passer {duration} {practising} !", "{emoji}", "💪"),
    Phrase("Chapeau,", "{duration} {sport} au compteur !", "{emoji}", "👏"),
)
WITH_NEITHER = (Phrase("Bravo", "Une séance {sport} de plus ! Continue comme ça !", "{emoji}", "👏"),)


class Sport(NamedTuple):
    """How a sport is named after a length of time, after « passer une heure », and its emoji."""

    sport: str
    practising: str
    emoji: str


SPORTS = {
    "Run": Sport("de course à pied", "à courir", "🏃"),
    "TrailRun": Sport("de trail", "à courir", "🏃"),
    "Ride": Sport("de vélo", "à vélo", "🚴"),
    "Hike": Sport("de randonnée", "en randonnée", "🥾"),
    "Walk": Sport("de marche", "à marcher", "🚶"),
    "Swim": Sport("de natation", "à nager", "🏊"),
    "Tennis": Sport("de tennis", "sur le court de tennis", "🎾"),
    "RockClimbing": Sport("d'escalade", "à grimper", "🧗"),
    "Judo": Sport("de judo", "sur le tatami", "🥋"),
    "Boxing": Sport("de boxe", "à boxer", "🥊"),
    "Rugby": Sport("de rugby", "sur le terrain de rugby", "🏉"),
    "Soccer": Sport("de football", "sur le terrain de football", "⚽"),
    "Badminton": Sport("de badminton", "sur le court de badminton", "🏸"),
    "TableTennis": Sport("de tennis de table", "à la table de ping-pong", "🏓"),
    "Basketball": Sport("de basket", "sur le terrain de basket", "🏀"),
    "Volleyball": Sport("de volley", "sur le terrain de volley", "🏐"),
    "Triathlon": Sport("de triathlon", "à enchaîner nage, vélo et course", "🏊"),
    "HorseRiding": Sport("d'équitation", "à cheval", "🏇"),
    "Sail": Sport("de voile", "sur l'eau", "⛵"),
}
ANY_SPORT = Sport("de sport", "à bouger", "💪")
