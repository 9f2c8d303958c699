-- The exports as views of DuckDB over downloaded files, and the functions of Athena that DuckDB does not have.
-- Start it in the folder that has AWSDynamoDB.

CREATE OR REPLACE MACRO json_extract_scalar(document, path) AS json_extract_string(document, path);
CREATE OR REPLACE MACRO json_format(document) AS CAST(document AS varchar);
CREATE OR REPLACE MACRO json_array_get(list, place) AS json_extract(list, '$[' || place || ']');
-- As in Athena, a sequence whose end is before its start descends.
CREATE OR REPLACE MACRO sequence(start, stop) AS
generate_series(start, CAST(stop AS bigint), CASE WHEN stop < start THEN -1 ELSE 1 END);

CREATE OR REPLACE VIEW billing_export AS
SELECT json AS line FROM read_json_objects('AWSDynamoDB/*/data/*.json.gz', format = 'newline_delimited');

CREATE OR REPLACE VIEW billing_changes AS
SELECT json AS line FROM read_json_objects('AWSDynamoDB/data/*.json.gz', format = 'newline_delimited');
