CREATE TABLE IF NOT EXISTS public.sport_activities (
  id int PRIMARY KEY REFERENCES public.rh_employees (id) ON DELETE CASCADE,
  pratique_sport text
);
CALL public.capture('public.sport_activities');
