"""The sports that employees practise, and what an activity of each looks like."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class SportProfile:
    """The plausible values of a sport.

    Ranges are (minimum, maximum): minutes, metres a second, metres of climb a km, kcal an hour.
    """

    strava_type: str
    minutes: tuple[int, int]
    kcal_per_hour: tuple[int, int]
    names: tuple[str, ...]
    comments: tuple[str, ...]
    speed: tuple[float, float] | None = None  # None for a sport without a distance
    climb_per_km: tuple[int, int] = (0, 0)


SPORT_PROFILES: Mapping[str, SportProfile] = {
    "Running": SportProfile(
        "Run", (20, 95), (550, 850),
        ("Footing", "Course à pied", "Sortie longue", "Fractionné", "Footing au bord du Lez"),
        ("Objectif semi-marathon !", "Les berges du Lez sont superbes en ce moment"),
        speed=(2.3, 4.2), climb_per_km=(0, 15),
    ),
    "Trail": SportProfile(
        "TrailRun", (45, 180), (600, 900),
        ("Trail", "Trail dans la garrigue", "Montée du Pic Saint-Loup"),
        ("Vue magnifique tout en haut", "Du vent, mais quelle vue"),
        speed=(1.8, 3.0), climb_per_km=(20, 60),
    ),
    "Vélo": SportProfile(
        "Ride", (40, 210), (400, 700),
        ("Sortie vélo", "Vélo jusqu'à la mer", "Boucle de l'étang de l'Or"),
        ("Vent de face tout le retour...", "Piste cyclable toute neuve, à essayer"),
        speed=(5.0, 8.5), climb_per_km=(0, 12),
    ),
    "Randonnée": SportProfile(
        "Hike", (90, 330), (300, 480),
        ("Randonnée", "Randonnée dans les gorges", "Rando au cirque de Navacelles", "Rando au Pic Saint-Loup"),
        ("Randonnée de St Guilhem le désert, je vous la conseille c'est top", "Pensez à prendre de l'eau"),
        speed=(0.9, 1.5), climb_per_km=(10, 60),
    ),
    "Marche": SportProfile(
        "Walk", (25, 110), (180, 300), ("Marche", "Marche rapide", "Balade en bord de mer"),
        ("Une belle balade en famille",), speed=(1.1, 1.8), climb_per_km=(0, 8),
    ),
    "Natation": SportProfile(
        "Swim", (25, 75), (400, 700), ("Natation", "Séance piscine", "Eau libre à Palavas"),
        ("L'eau était à 19 degrés !", "Premier 2 000 m sans pause"), speed=(0.6, 1.2),
    ),
    "Triathlon": SportProfile(
        "Triathlon", (75, 240), (550, 850), ("Triathlon", "Enchaînement vélo-course", "Préparation triathlon"),
        ("Cap sur le triathlon de la Grande Motte",), speed=(3.0, 6.0), climb_per_km=(0, 10),
    ),
    "Équitation": SportProfile(
        "HorseRiding", (45, 120), (200, 350), ("Équitation", "Balade à cheval", "Leçon d'équitation"),
        ("Balade en Camargue, inoubliable",), speed=(1.5, 3.5), climb_per_km=(0, 10),
    ),
    "Voile": SportProfile(
        "Sail", (60, 240), (180, 320), ("Voile", "Régate", "Sortie en mer"),
        ("Belle brise au large de Carnon",), speed=(1.5, 5.0),
    ),
    "Tennis": SportProfile(
        "Tennis", (45, 120), (400, 600), ("Tennis", "Match de tennis"), ("Cherche partenaire le jeudi",),
    ),
    "Tennis de table": SportProfile(
        "TableTennis", (40, 110), (250, 400), ("Tennis de table", "Ping-pong"), ("Revanche ?",),
    ),
    "Badminton": SportProfile(
        "Badminton", (40, 100), (350, 550), ("Badminton", "Double mixte"), ("Il reste des places",),
    ),
    "Escalade": SportProfile(
        "RockClimbing", (60, 180), (350, 600), ("Escalade", "Bloc", "Escalade en falaise à Claret"),
        ("Première voie en 6b !",),
    ),
    "Judo": SportProfile("Judo", (60, 100), (450, 700), ("Judo", "Entraînement de judo"), ("Ceinture marron en vue",)),
    "Boxe": SportProfile("Boxing", (45, 90), (500, 800), ("Boxe", "Boxe française"), ("Ça défoule !",)),
    "Rugby": SportProfile("Rugby", (60, 100), (500, 750), ("Rugby", "Entraînement de rugby"), ("Allez le MHR !",)),
    "Football": SportProfile("Soccer", (50, 100), (450, 700), ("Football", "Foot à 5"), ("On cherche un gardien",)),
    "Basketball": SportProfile(
        "Basketball", (45, 100), (450, 700), ("Basket", "Match de basket"), ("Gagné d'un point",),
    ),
    "Volley-ball": SportProfile("Volleyball", (45, 100), (300, 500), ("Volley", "Beach-volley"), ("Vive le sable",)),
}  # fmt: skip
FALLBACK_PROFILE = SportProfile(
    "Workout", (30, 90), (250, 500), ("Séance de sport", "Entraînement"), ("Ça fait du bien",)
)
