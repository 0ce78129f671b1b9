"""Contracts of the captured tables, one module each. CAPTURED lists parents before their children."""

from lakehouse.contracts.distance_cache import DISTANCE_CACHE
from lakehouse.contracts.reward_rules import REWARD_RULES
from lakehouse.contracts.rh_employees import ACTIVE_MODES, RH_EMPLOYEES, TRAVEL_MODES
from lakehouse.contracts.sport_activities import SPORT_ACTIVITIES
from lakehouse.contracts.strava_activities import STRAVA_ACTIVITIES

CAPTURED = (RH_EMPLOYEES, SPORT_ACTIVITIES, STRAVA_ACTIVITIES, DISTANCE_CACHE, REWARD_RULES)

__all__ = [
    "ACTIVE_MODES",
    "CAPTURED",
    "DISTANCE_CACHE",
    "REWARD_RULES",
    "RH_EMPLOYEES",
    "SPORT_ACTIVITIES",
    "STRAVA_ACTIVITIES",
    "TRAVEL_MODES",
]
