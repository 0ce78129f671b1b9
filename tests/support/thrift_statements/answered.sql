-- What a reader of figures is answered: what Power BI, beeline, Superset and people ask. One statement a line.
SELECT * FROM gold.v_prime_sportive
SELECT business_unit, sum(montant_prime) FROM gold.v_prime_sportive WHERE eligible GROUP BY business_unit
SELECT p.employee_id, w.nb_activities_year FROM gold.v_prime_sportive p JOIN gold.v_wellbeing w ON p.employee_id = w.employee_id
WITH k AS (SELECT * FROM gold.v_kpi) SELECT count(*) FROM k
SELECT COUNT(*) FROM delta.`<lake>/bronze/strava_activities`
SELECT count(1) AS n FROM delta.`<lake>/bronze/strava_activities`
EXPLAIN SELECT COUNT(*) FROM delta.`<lake>/bronze/strava_activities`
SHOW DATABASES
SHOW SCHEMAS LIKE 'g*'
SHOW TABLES IN gold
SHOW TABLES IN default
SHOW TABLE EXTENDED IN gold LIKE 'v_k*'
SHOW VIEWS IN gold
SHOW COLUMNS IN gold.v_kpi
SHOW COLUMNS IN v_kpi IN gold
SHOW FUNCTIONS LIKE 'ab*'
DESCRIBE TABLE EXTENDED gold.v_prime_sportive
DESCRIBE gold.v_kpi
DESCRIBE gold.v_kpi nb_primes
DESCRIBE DATABASE gold
DESCRIBE FUNCTION abs
DESCRIBE QUERY SELECT * FROM gold.v_kpi
USE default
USE gold
SELECT * FROM v_kpi
SELECT * FROM spark_catalog.gold.v_kpi
SELECT * FROM `gold`.`v_kpi`
SELECT 1
SELECT current_user(), current_date, current_timestamp()
SELECT date '2026-01-01' + interval 1 day, extract(year FROM current_date), CAST('1.5' AS DECIMAL(12,2))
EXPLAIN SELECT * FROM gold.v_kpi
EXPLAIN FORMATTED SELECT * FROM gold.v_kpi
SET spark.lakehouse.question.timeout=30s
TABLE gold.v_kpi
FROM gold.v_kpi |> WHERE nb_primes > 0 |> SELECT year
VALUES (1), (2)
SELECT * FROM range(3)
SELECT explode(array(1, 2))
SELECT year, x FROM gold.v_kpi LATERAL VIEW explode(array(1, 2)) t AS x
SELECT year, grouping(year), count(*) FROM gold.v_kpi GROUP BY CUBE (year) HAVING count(*) >= 0 ORDER BY 1 LIMIT 5
SELECT rank() OVER (PARTITION BY business_unit ORDER BY montant_prime DESC) FROM gold.v_prime_sportive
SELECT sum(nb_primes) OVER w FROM gold.v_kpi WINDOW w AS (PARTITION BY year ORDER BY business_unit ROWS UNBOUNDED PRECEDING)
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY salaire_brut) FROM gold.v_prime_sportive
SELECT * FROM gold.v_kpi WHERE year = (SELECT max(year) FROM gold.v_prime_sportive) AND business_unit IN (SELECT business_unit FROM gold.v_kpi)
SELECT year FROM gold.v_kpi UNION ALL SELECT year FROM gold.v_wellbeing EXCEPT SELECT 1 INTERSECT SELECT 2
SELECT * FROM (SELECT motif, montant_prime FROM gold.v_prime_sportive) PIVOT (sum(montant_prime) FOR motif IN ('eligible'))
SELECT transform(array(1, 2), x -> x + 1), named_struct('b', 1).b, CASE WHEN 1 = 1 THEN 'a' ELSE 'b' END
SELECT count_if(eligible), avg(distance_km), max_by(motif, montant_prime) FROM gold.v_prime_sportive
