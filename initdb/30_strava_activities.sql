CREATE TABLE IF NOT EXISTS public.strava_activities (
  activity_id bigint PRIMARY KEY,
  employee_id int NOT NULL REFERENCES public.rh_employees (id) ON DELETE CASCADE,
  name text,
  distance_m int,
  moving_time_s int,
  elapsed_time_s int,
  total_elev_gain_m int,
  type text,
  sport_type text,
  start_date_utc timestamptz,
  start_date_local timestamp,
  timezone text,
  utc_offset_s int,
  commute boolean NOT NULL DEFAULT false,
  manual boolean NOT NULL DEFAULT false,
  private boolean NOT NULL DEFAULT false,
  flagged boolean NOT NULL DEFAULT false,
  calories int,
  raw_payload jsonb,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS strava_activities_employee ON public.strava_activities (employee_id);
CALL public.capture('public.strava_activities');
-- A payload may say where somebody runs, and a name may say it too.
REVOKE ALL ON public.strava_activities FROM PUBLIC, rh_sport_worker, rh_sport_distance, rh_sport_notifier, rh_sport_reader;
GRANT SELECT ON public.strava_activities TO rh_sport_notifier;
GRANT SELECT (
  activity_id, employee_id, distance_m, moving_time_s, elapsed_time_s, total_elev_gain_m, type, sport_type,
  start_date_utc, start_date_local, timezone, utc_offset_s, commute, manual, private, flagged, calories, created_at
) ON public.strava_activities TO rh_sport_reader;
