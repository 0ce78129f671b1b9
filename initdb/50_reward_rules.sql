-- A rule is in force from its date until the next rule's: rules cannot overlap, and only before the first is a gap.
CREATE TABLE IF NOT EXISTS public.reward_rules (
  valid_from date PRIMARY KEY,
  bonus_rate numeric(6,4) NOT NULL,
  walk_limit_m int NOT NULL,
  bike_limit_m int NOT NULL,
  min_activities int NOT NULL,
  wellbeing_days int NOT NULL,
  activity_window text NOT NULL,
  destination text NOT NULL
);

-- A constraint's name explains the violation: Postgres puts it into its error message.
DO $$
DECLARE
  named text;
  rule text;
BEGIN
  FOR named, rule IN VALUES
    ('valid_from is a day from 1900-01-01 to 2200-01-01', $rule$valid_from BETWEEN '1900-01-01' AND '2200-01-01'$rule$),
    ('bonus_rate is a fraction from 0 to 1, as 0.05 for 5 %', 'bonus_rate BETWEEN 0 AND 1'),
    ('walk_limit_m is in metres, from 100 to 200000', 'walk_limit_m BETWEEN 100 AND 200000'),
    ('bike_limit_m is in metres, from 100 to 200000', 'bike_limit_m BETWEEN 100 AND 200000'),
    ('min_activities is a number from 1 to 1000', 'min_activities BETWEEN 1 AND 1000'),
    ('wellbeing_days is a number from 0 to 365', 'wellbeing_days BETWEEN 0 AND 365'),
    ('activity_window is calendar_year or rolling_12_months',
     $rule$activity_window IN ('calendar_year', 'rolling_12_months')$rule$),
    ('destination is an address', $rule$destination <> ''$rule$)
  LOOP
    IF NOT EXISTS (
      SELECT FROM pg_constraint WHERE conrelid = 'public.reward_rules'::regclass AND conname = named
    ) THEN
      -- NOT VALID: rows of an existing volume are not checked until they change.
      EXECUTE format('ALTER TABLE public.reward_rules ADD CONSTRAINT %I CHECK (%s) NOT VALID', named, rule);
    END IF;
  END LOOP;
END $$;

-- A first rule outside of these days is a typing error of an earlier version. It may go where another rule stays.
CREATE OR REPLACE FUNCTION public.leave_no_gap() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_LEVEL = 'ROW' AND OLD.valid_from NOT BETWEEN '1900-01-01' AND '2200-01-01'
    AND EXISTS (SELECT FROM public.reward_rules WHERE valid_from BETWEEN '1900-01-01' AND '2200-01-01')
  THEN
    RETURN COALESCE(NEW, OLD);
  END IF;
  IF TG_OP = 'TRUNCATE' OR OLD.valid_from = (SELECT min(valid_from) FROM public.reward_rules)
    AND (TG_OP = 'DELETE' OR NEW.valid_from > OLD.valid_from)
  THEN
    RAISE EXCEPTION 'without the first of reward_rules, days in the past would have no rule'
      USING ERRCODE = 'check_violation',
            HINT = 'Change what the row says, or insert one for an earlier day first.';
  END IF;
  RETURN COALESCE(NEW, OLD);
END $$;
CREATE OR REPLACE TRIGGER leave_no_gap BEFORE DELETE OR UPDATE OF valid_from ON public.reward_rules
  FOR EACH ROW EXECUTE FUNCTION public.leave_no_gap();
CREATE OR REPLACE TRIGGER leave_no_gap_at_all BEFORE TRUNCATE ON public.reward_rules
  FOR EACH STATEMENT EXECUTE FUNCTION public.leave_no_gap();
CALL public.capture('public.reward_rules');
REVOKE ALL ON public.reward_rules FROM PUBLIC, rh_sport_worker, rh_sport_distance, rh_sport_notifier, rh_sport_reader;
GRANT SELECT (valid_from, destination) ON public.reward_rules TO rh_sport_distance;
GRANT SELECT ON public.reward_rules TO rh_sport_reader;
