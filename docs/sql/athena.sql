-- The exports as tables of Athena: each line of a file is a row. Put your bucket and prefix in place of these.

-- One full export. Its id is in the answer of the export, and in the name of its folder.
CREATE EXTERNAL TABLE billing_export (line string)
LOCATION 's3://BUCKET/PREFIX/AWSDynamoDB/EXPORT_ID/data/';

-- The incremental exports that follow it, with new images, or with new and old ones. Without any the table is empty.
CREATE EXTERNAL TABLE billing_changes (line string)
LOCATION 's3://BUCKET/PREFIX/AWSDynamoDB/data/';
