CREATE TABLE IF NOT EXISTS public.reward_rules (
  valid_from date PRIMARY KEY,
  bonus_rate numeric(6,4) NOT NULL CHECK (bonus_rate BETWEEN 0 AND 1),
  walk_limit_m int NOT NULL CHECK (walk_limit_m BETWEEN 1 AND 1000000),
  bike_limit_m int NOT NULL CHECK (bike_limit_m BETWEEN 1 AND 1000000),
  min_activities int NOT NULL CHECK (min_activities > 0),
  wellbeing_days int NOT NULL CHECK (wellbeing_days >= 0),
  activity_window text NOT NULL CHECK (activity_window IN ('calendar_year', 'rolling_12_months')),
  destination text NOT NULL CHECK (destination <> '')
);
CALL public.capture('public.reward_rules');
