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
GRANT INSERT, UPDATE, DELETE ON public.distance_cache TO rh_sport_worker;
GRANT USAGE ON SEQUENCE public.distance_cache_id_seq TO rh_sport_worker;
CALL public.capture('public.distance_cache');
