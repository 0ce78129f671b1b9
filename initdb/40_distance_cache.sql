CREATE TABLE IF NOT EXISTS public.distance_cache (
  id serial PRIMARY KEY,
  origin_address text NOT NULL,
  destination_address text NOT NULL,
  travel_mode text NOT NULL,
  distance_m int,
  duration_s int,
  provider text NOT NULL,
  status text NOT NULL,
  error_message text,
  last_updated timestamptz NOT NULL DEFAULT now(),
  UNIQUE (origin_address, destination_address, travel_mode, provider)
);
CALL public.capture('public.distance_cache');
-- A row decides whether somebody gets a prime: the worker that looks distances up writes it, and no other login.
REVOKE ALL ON public.distance_cache FROM PUBLIC, rh_sport_worker, rh_sport_distance, rh_sport_notifier, rh_sport_reader;
REVOKE ALL ON SEQUENCE public.distance_cache_id_seq FROM PUBLIC, rh_sport_worker, rh_sport_distance, rh_sport_notifier, rh_sport_reader;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.distance_cache TO rh_sport_distance;
GRANT USAGE ON SEQUENCE public.distance_cache_id_seq TO rh_sport_distance;
GRANT SELECT (id, destination_address, travel_mode, distance_m, duration_s, provider, status, last_updated)
  ON public.distance_cache TO rh_sport_reader;
