CREATE TABLE IF NOT EXISTS public.sport_activities (
  id int PRIMARY KEY REFERENCES public.rh_employees (id) ON DELETE CASCADE,
  pratique_sport text
);
CALL public.capture('public.sport_activities');
REVOKE ALL ON public.sport_activities FROM PUBLIC, rh_sport_worker, rh_sport_distance, rh_sport_notifier, rh_sport_reader;
GRANT SELECT ON public.sport_activities TO rh_sport_reader;
