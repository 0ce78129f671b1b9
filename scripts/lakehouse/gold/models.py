"""The registry of Gold's models: what is computed, created, compared and maintained of each figure follows from it."""

from lakehouse.gold.activities import ACTIVITES
from lakehouse.gold.doubles import DOUBLES
from lakehouse.gold.model import Model
from lakehouse.gold.prime import PRIME_SPORTIVE
from lakehouse.gold.quality import QUALITE_DONNEES
from lakehouse.gold.wellbeing import WELLBEING

MODELS: tuple[Model, ...] = (PRIME_SPORTIVE, WELLBEING, ACTIVITES, DOUBLES, QUALITE_DONNEES)
