-- A contract's rules are the same text for Spark and Postgres. This is the one function that Postgres lacks,
-- get_json_object, with Spark's result for each document that jsonb can hold.

-- Spark's JSON reader gives up at its limits, wherever in the document they are exceeded: 1000 digits of a number (a 0
-- before the point is none), 1000 levels of nesting, 50,000 characters of a name. The text is looked at, and not the
-- document by a jsonpath, which took 3 s for 700 kB and exceeds Postgres's own stack at 16,000 levels.
CREATE OR REPLACE FUNCTION public.exceeds_json_limits(document jsonb) RETURNS boolean
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$
    WITH without_strings AS MATERIALIZED (
      SELECT regexp_replace(document::text, '"(?:[^"\\]|\\.)*"', '', 'g') AS structure
    ), levels AS (
      SELECT sum(CASE WHEN bracket IN ('{', '[') THEN 1 ELSE -1 END) OVER (ORDER BY place) AS level
      FROM without_strings,
        regexp_split_to_table(regexp_replace(structure, '[^][{}]', '', 'g'), '')
          WITH ORDINALITY AS brackets (bracket, place)
      WHERE length(structure) > 2000
    ), names AS (
      SELECT captured[1] AS name
      FROM regexp_matches(document::text, '"((?:[^"\\]|\\.)*)"(:?)', 'g') AS captured
      WHERE length(document::text) > 50000 AND captured[2] = ':'
    )
    SELECT
      EXISTS (
        SELECT FROM without_strings, regexp_split_to_table(translate(structure, '.', ''), '[^0-9]+') AS digits
        WHERE length(digits) > CASE WHEN starts_with(digits, '0') THEN 1001 ELSE 1000 END
      )
      OR EXISTS (SELECT FROM levels WHERE level > 1000)
      OR EXISTS (SELECT FROM names WHERE length(name) > 50000 AND length(('"' || name || '"')::jsonb #>> '{}') > 50000)
  $$;

-- Spark reads a number with a fraction as a double. A cast alone would fail beyond a double's range.
CREATE OR REPLACE FUNCTION public.text_of_double(number numeric) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$
    SELECT CASE
      WHEN abs(number) >= 1.7976931348623158e308 THEN 'Infinity'
      WHEN abs(number) < 2.4703282292062328e-324 THEN '0.0'
      WHEN abs(number) < 1e-300 THEN '1e-300'
      ELSE number::float8::text
    END
  $$;

-- Strict, since otherwise an array stands for its elements; and silent where there is nothing at the path.
CREATE OR REPLACE FUNCTION public.json_value_at(document jsonb, path text) RETURNS jsonb
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$ SELECT jsonb_path_query_first(document, ('strict ' || path)::jsonpath, '{}', true) $$;

-- Without a FROM, so that Postgres inlines it. A short document exceeds no limit.
CREATE OR REPLACE FUNCTION public.get_json_object(document jsonb, path text) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$
    SELECT CASE
      WHEN length(document::text) > 1000 AND public.exceeds_json_limits(document) THEN NULL
      WHEN jsonb_typeof(public.json_value_at(document, path)) = 'number'
        AND public.json_value_at(document, path)::text LIKE '%.%'
      THEN public.text_of_double(public.json_value_at(document, path)::numeric)
      ELSE public.json_value_at(document, path) #>> '{}'
    END
  $$;
