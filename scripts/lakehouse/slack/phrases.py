"""French phrases and names for each sport, by Strava's sport_type."""

from typing import NamedTuple


class Phrase(NamedTuple):
    """A variant of the message: the name follows the greeting, the comment stands between the last two parts."""

    greeting: str
    sentence: str
    before_comment: str
    after_comment: str


RUNNING_PHRASES = (
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
UNKNOWN_SPORT_PHRASES = (
    Phrase("Bravo", "{distance} parcourus en {duration} ! Beau travail !", "💪", "👏"),
    Phrase("Belle séance,", "Tu viens de parcourir {distance} en {duration} !", "🔥", "🏅"),
)

PHRASES_BY_SPORT = {
    "Run": RUNNING_PHRASES,
    "TrailRun": RUNNING_PHRASES,
    "Ride": RIDING,
    "Hike": HIKING,
    "Walk": WALKING,
    "Swim": SWIMMING,
    "HorseRiding": RIDING_A_HORSE,
    "Sail": SAILING,
}

# For a sport without a distance, or an activity without a recorded one.
PHRASES_WITHOUT_DISTANCE = (
    Phrase("Bravo", "{duration} {sport} ! Quelle énergie !", "{emoji}", "🔥"),
    Phrase("Belle séance,", "Tu viens de passer {duration} {practising} !", "{emoji}", "💪"),
    Phrase("Chapeau,", "{duration} {sport} au compteur !", "{emoji}", "👏"),
)
PHRASES_WITHOUT_MEASURES = (Phrase("Bravo", "Une séance {sport} de plus ! Continue comme ça !", "{emoji}", "👏"),)


class SportWording(NamedTuple):
    """A sport's name after a duration, its name after « passer une heure », and its emoji."""

    sport: str
    practising: str
    emoji: str


SPORT_WORDINGS = {
    "Run": SportWording("de course à pied", "à courir", "🏃"),
    "TrailRun": SportWording("de trail", "à courir", "🏃"),
    "Ride": SportWording("de vélo", "à vélo", "🚴"),
    "Hike": SportWording("de randonnée", "en randonnée", "🥾"),
    "Walk": SportWording("de marche", "à marcher", "🚶"),
    "Swim": SportWording("de natation", "à nager", "🏊"),
    "Tennis": SportWording("de tennis", "sur le court de tennis", "🎾"),
    "RockClimbing": SportWording("d'escalade", "à grimper", "🧗"),
    "Judo": SportWording("de judo", "sur le tatami", "🥋"),
    "Boxing": SportWording("de boxe", "à boxer", "🥊"),
    "Rugby": SportWording("de rugby", "sur le terrain de rugby", "🏉"),
    "Soccer": SportWording("de football", "sur le terrain de football", "⚽"),
    "Badminton": SportWording("de badminton", "sur le court de badminton", "🏸"),
    "TableTennis": SportWording("de tennis de table", "à la table de ping-pong", "🏓"),
    "Basketball": SportWording("de basket", "sur le terrain de basket", "🏀"),
    "Volleyball": SportWording("de volley", "sur le terrain de volley", "🏐"),
    "Triathlon": SportWording("de triathlon", "à enchaîner nage, vélo et course", "🏊"),
    "HorseRiding": SportWording("d'équitation", "à cheval", "🏇"),
    "Sail": SportWording("de voile", "sur l'eau", "⛵"),
}
ANY_SPORT = SportWording("de sport", "à bouger", "💪")
