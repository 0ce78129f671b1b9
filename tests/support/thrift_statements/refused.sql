-- What a reader of figures is refused. One statement a line; <lake>, <checkout> and <broker> are those of the system.
-- Programs and Java
SELECT TRANSFORM('x') USING 'id' AS (o)
SELECT TRANSFORM(year) USING 'cat' AS (o) FROM gold.v_kpi
FROM gold.v_kpi MAP year USING 'cat' AS o
FROM gold.v_kpi REDUCE year USING 'cat' AS o
SELECT java_method('java.lang.System', 'getenv', 'DB_PASSWORD')
SELECT reflect('java.lang.System', 'getenv', 'HOME')
SELECT try_reflect('java.lang.System', 'getenv', 'HOME')
SELECT `reflect`('java.lang.System', 'getenv', 'HOME')
SELECT java_method('java.lang.System', 'exit', 1)
SELECT year FROM gold.v_kpi ORDER BY java_method('java.lang.System', 'getenv', 'HOME')
SELECT year FROM gold.v_kpi WHERE reflect('java.lang.System', 'getenv', 'HOME') = 'x'
SELECT sum(nb_primes) OVER w FROM gold.v_kpi WINDOW w AS (ORDER BY java_method('java.lang.System', 'getenv', 'HOME'))
SELECT transform(array(1), x -> java_method('java.lang.System', 'getenv', 'HOME'))
SELECT system.builtin.reflect('java.lang.System', 'getenv', 'HOME')
SELECT '${env:HOME}'
SELECT '${system:user.home}'
SELECT ${hivevar:x}
EXPLAIN SELECT reflect('java.lang.System', 'getenv', 'HOME')
DESCRIBE QUERY SELECT reflect('java.lang.System', 'getenv', 'HOME')
-- Files and tables by path
SELECT * FROM text.`/etc/hostname`
SELECT * FROM csv.`/etc/passwd`
SELECT * FROM json.`/etc/passwd`
SELECT * FROM orc.`/etc/passwd`
SELECT * FROM avro.`/etc/passwd`
SELECT * FROM xml.`/etc/passwd`
SELECT path FROM binaryFile.`/etc/hostname`
SELECT * FROM `org.apache.spark.sql.execution.datasources.text.TextFileFormat`.`/etc/hostname`
SELECT * FROM csv.`<checkout>/data/output/rh_employees.csv`
SELECT * FROM delta.`<lake>/silver/rh_employees`
SELECT * FROM DELTA.`<lake>/silver/rh_employees`
SELECT * FROM delta.`<lake>/gold/prime_sportive`
SELECT * FROM delta.`<lake>/gold/../silver/rh_employees`
SELECT * FROM delta.`file:<lake>/silver/rh_employees`
SELECT * FROM delta.`file://<lake>/silver/rh_employees`
SELECT * FROM spark_catalog.delta.`<lake>/silver/rh_employees`
SELECT value FROM delta.`<lake>/bronze/rh_employees`
SELECT raw_payload FROM delta.`<lake>/silver/strava_activities`
TABLE delta.`<lake>/silver/rh_employees`
FROM delta.`<lake>/silver/rh_employees` |> SELECT salaire_brut
WITH a AS (SELECT * FROM parquet.`<lake>/silver/rh_employees`) SELECT count(*) FROM a
SELECT (SELECT max(salaire_brut) FROM delta.`<lake>/silver/rh_employees`) FROM gold.v_kpi
SELECT * FROM gold.v_kpi WHERE EXISTS (SELECT 1 FROM delta.`<lake>/silver/rh_employees` WHERE salaire_brut > 0)
SELECT * FROM gold.v_kpi, LATERAL (SELECT max(salaire_brut) FROM delta.`<lake>/silver/rh_employees`)
SELECT * FROM IDENTIFIER('delta.`<lake>/silver/rh_employees`')
SELECT * FROM delta.`<lake>/silver/rh_employees` VERSION AS OF 0
SELECT * FROM delta.`<lake>/silver/rh_employees` TIMESTAMP AS OF current_timestamp()
SELECT * FROM delta.`<lake>/silver/rh_employees@v0`
SELECT * FROM gold.`<lake>/silver/rh_employees`
SELECT * FROM STREAM delta.`<lake>/silver/rh_employees`
SELECT * FROM table_changes_by_path('<lake>/silver/rh_employees', 0)
SELECT * FROM table_changes('gold.v_kpi', 0)
SELECT input_file_name() FROM gold.v_prime_sportive
SELECT from_protobuf(CAST('x' AS BINARY), 'M', '/etc/passwd')
SELECT xpath('<a/>', '/a')
DESCRIBE HISTORY delta.`<lake>/silver/rh_employees`
DESCRIBE DETAIL delta.`<lake>/silver/rh_employees`
DESCRIBE TABLE EXTENDED delta.`<lake>/silver/rh_employees`
SHOW COLUMNS IN delta.`<lake>/silver/rh_employees`
SHOW TABLES IN delta
ANALYZE TABLE delta.`<lake>/silver/rh_employees` COMPUTE STATISTICS
-- The one documented count, with more
SELECT COUNT(*), max(value) FROM delta.`<lake>/bronze/strava_activities`
SELECT COUNT(*) FROM delta.`<lake>/bronze/strava_activities` WHERE value LIKE '%59019%'
SELECT COUNT(*) FROM delta.`<lake>/bronze/strava_activities` GROUP BY key
SELECT COUNT(*) FROM delta.`<lake>/bronze/strava_activities` ORDER BY max(value)
SELECT COUNT(DISTINCT key) FROM delta.`<lake>/bronze/strava_activities`
SELECT COUNT(key) FROM delta.`<lake>/bronze/strava_activities`
SELECT COUNT(*) FILTER (WHERE key IS NULL) FROM delta.`<lake>/bronze/strava_activities`
SELECT COUNT(*) FROM delta.`<lake>/bronze/rh_employees`
SELECT COUNT(*) FROM parquet.`<lake>/bronze/strava_activities`
-- Other systems
CREATE TABLE k USING kafka OPTIONS ('kafka.bootstrap.servers' = '<broker>', 'subscribe' = 'rh_sport.public.rh_employees')
CREATE TEMPORARY VIEW d USING jdbc OPTIONS (url 'jdbc:derby:memory:x;create=true', dbtable 'sys.systables')
CREATE TEMPORARY VIEW p USING csv OPTIONS (path '/etc/passwd')
SELECT * FROM jdbc.`sys.systables`
SELECT * FROM postgres.public.rh_employees
-- Code of one's own
ADD JAR '/tmp/x.jar'
ADD FILE '/etc/passwd'
LIST JARS
CREATE TEMPORARY FUNCTION f AS 'org.apache.hadoop.hive.ql.udf.UDFMd5'
CREATE FUNCTION g AS 'X' USING JAR '/tmp/x.jar'
CREATE TEMPORARY FUNCTION h() RETURNS INT RETURN 1
DECLARE VARIABLE v INT DEFAULT 1
SET VARIABLE v = 1
BEGIN SELECT 1; END
BEGIN DECLARE x INT DEFAULT 1; SELECT x; END
EXECUTE IMMEDIATE 'SELECT java_method("java.lang.System", "getenv", "HOME")'
EXECUTE IMMEDIATE 'SELECT 1'
CALL system.x()
-- Writing
INSERT OVERWRITE DIRECTORY '/tmp/written-by-a-reader' USING csv SELECT employee_id FROM gold.v_prime_sportive
INSERT OVERWRITE LOCAL DIRECTORY '/tmp/written-by-a-reader' USING csv SELECT 1
INSERT INTO gold.v_kpi SELECT 1
FROM gold.v_kpi INSERT INTO delta.`<lake>/gold/prime_sportive` SELECT *
CREATE TABLE t (a INT) USING delta LOCATION '/tmp/made-by-a-reader'
CREATE TABLE t AS SELECT 1 AS a
CREATE DATABASE d2 LOCATION '/tmp/made-by-a-reader'
CREATE TEMPORARY VIEW v AS SELECT 1 AS a
CREATE VIEW gold.v_mine AS SELECT 1 AS a
UPDATE delta.`<lake>/gold/prime_sportive` SET montant_prime = 99999.99
DELETE FROM delta.`<lake>/silver/rh_employees` WHERE id = 1
MERGE INTO delta.`<lake>/gold/prime_sportive` t USING gold.v_kpi s ON false WHEN NOT MATCHED THEN INSERT *
ALTER TABLE delta.`<lake>/bronze/rh_employees` SET TBLPROPERTIES ('delta.appendOnly' = 'false')
RESTORE TABLE delta.`<lake>/gold/prime_sportive` TO VERSION AS OF 0
VACUUM delta.`<lake>/silver/rh_employees` RETAIN 0 HOURS
OPTIMIZE delta.`<lake>/gold/prime_sportive`
CONVERT TO DELTA parquet.`/tmp/x`
GENERATE symlink_format_manifest FOR TABLE delta.`<lake>/gold/prime_sportive`
CREATE TABLE c SHALLOW CLONE delta.`<lake>/silver/rh_employees`
CREATE OR REPLACE VIEW gold.v_kpi AS SELECT 'forged' AS year
ALTER VIEW gold.v_kpi AS SELECT 'forged' AS year
ALTER VIEW gold.v_kpi UNSET TBLPROPERTIES ('digest')
DROP VIEW gold.v_wellbeing
DROP DATABASE gold CASCADE
TRUNCATE TABLE gold.v_kpi
LOAD DATA LOCAL INPATH '/etc/passwd' INTO TABLE gold.v_kpi
CACHE TABLE c AS SELECT * FROM range(1000000000)
CACHE TABLE gold.v_kpi
CLEAR CACHE
REFRESH TABLE gold.v_kpi
MSCK REPAIR TABLE gold.v_kpi
COMMENT ON TABLE gold.v_kpi IS 'forged'
-- Settings and other catalogs
SET
SET -v
SET spark.sql.variable.substitute=true
SET spark.sql.ansi.enabled=false
SET spark.sql.catalog.other=org.apache.spark.sql.delta.catalog.DeltaCatalog
SET spark.sql.legacy.allowUntypedScalaUDF=true
SET TIME ZONE 'Europe/Paris'
SET ROLE admin
RESET
RESET spark.lakehouse.question.timeout
SET CATALOG other
USE other.gold
USE silver
SHOW CATALOGS
SHOW TABLES IN other.gold
SHOW CREATE TABLE gold.v_kpi
SELECT * FROM other.gold.v_kpi
SELECT * FROM global_temp.v
WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT * FROM r
