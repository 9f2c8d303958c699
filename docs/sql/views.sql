-- What the billing table has, as rows. The same text for Athena and DuckDB: run athena.sql or duckdb.sql first.
-- Athena takes one statement at a time.

-- Every item as it was at the end of the last export: the latest image of each key.
CREATE OR REPLACE VIEW items AS
WITH images AS (
    SELECT
        json_extract_scalar(line, '$.Item.pk.S') AS pk,
        json_extract_scalar(line, '$.Item.sk.S') AS sk,
        CAST(0 AS bigint) AS written_at_micros,
        json_format(json_extract(line, '$.Item')) AS item
    FROM billing_export
    UNION ALL
    SELECT
        json_extract_scalar(line, '$.Keys.pk.S'),
        json_extract_scalar(line, '$.Keys.sk.S'),
        CAST(json_extract_scalar(line, '$.Metadata.WriteTimestampMicros.N') AS bigint),
        json_format(json_extract(line, '$.NewImage'))
    FROM billing_changes
), placed AS (
    SELECT pk, sk, item, row_number() OVER (PARTITION BY pk, sk ORDER BY written_at_micros DESC) AS place
    FROM images
)
-- A deleted item has no new image.
SELECT pk, sk, item FROM placed WHERE place = 1 AND item IS NOT NULL;

-- Accounts: what each provider has paid in advance and what it owes.
CREATE OR REPLACE VIEW accounts AS
SELECT
    json_extract_scalar(item, '$.provider.S') AS provider,
    CAST(json_extract_scalar(item, '$.figures.M.prepaid_fen.N') AS bigint) AS prepaid_fen,
    -- All that is owed, what an open debit collects included.
    CAST(json_extract_scalar(item, '$.figures.M.receivable_fen.N') AS bigint) AS receivable_fen,
    CAST(json_extract_scalar(item, '$.figures.M.reserved_fen.N') AS bigint) AS reserved_fen
FROM items
WHERE pk LIKE 'shard#%' AND sk LIKE '%#account';

-- Statements: what each provider was charged for each billing day. Parts of a large one are left out.
CREATE OR REPLACE VIEW statements AS
SELECT
    json_extract_scalar(item, '$.provider.S') AS provider,
    json_extract_scalar(item, '$.statement.S') AS statement,
    substr(json_extract_scalar(item, '$.statement.S'), 1, 10) AS billing_day,
    substr(json_extract_scalar(item, '$.statement.S'), 1, 7) AS billing_month,
    -- `2015-05-31+2` is the second supplement to a month's last day.
    CAST(coalesce(nullif(substr(json_extract_scalar(item, '$.statement.S'), 12), ''), '0') AS bigint) AS supplement,
    CAST(json_extract_scalar(item, '$.charge_fen.N') AS bigint) AS charge_fen,
    CAST(json_extract_scalar(item, '$.from_prepaid_fen.N') AS bigint) AS from_prepaid_fen,
    json_format(json_extract(item, '$.segments.L')) AS segments,
    json_format(json_extract(item, '$.lines.L')) AS lines,
    coalesce(json_format(json_extract(item, '$.adjustments.L')), '[]') AS adjustments
FROM items
WHERE pk LIKE 'provider#%' AND sk LIKE 'statement#%' AND sk NOT LIKE 'statement#%#%';

-- The parts of a month that a statement rates, each with its plan.
CREATE OR REPLACE VIEW statement_segments AS
SELECT
    provider,
    statement,
    json_extract_scalar(json_array_get(segments, place - 1), '$.M.from.S') AS segment,
    json_extract_scalar(json_array_get(segments, place - 1), '$.M.plan.S') AS plan,
    json_extract_scalar(json_array_get(segments, place - 1), '$.M.version.S') AS plan_version
FROM statements
CROSS JOIN UNNEST(sequence(1, json_array_length(segments))) AS places (place)
WHERE place BETWEEN 1 AND json_array_length(segments);

-- The lines of statements: what each charges for usage.
CREATE OR REPLACE VIEW statement_lines AS
SELECT
    provider,
    statement,
    billing_month,
    json_extract_scalar(json_array_get(lines, place - 1), '$.M.segment.S') AS segment,
    -- What the plan itself adds or takes off has no rate.
    coalesce(json_extract_scalar(json_array_get(lines, place - 1), '$.M.rate.S'), '(plan)') AS rate,
    -- `usage`, `late`, `void`, `terms`, `shifted`, `minimum`, `concession` or `tax`.
    coalesce(json_extract_scalar(json_array_get(lines, place - 1), '$.M.because.S'), 'usage') AS because,
    CAST(json_extract_scalar(json_array_get(lines, place - 1), '$.M.charge_fen.N') AS bigint) AS charge_fen
FROM statements
CROSS JOIN UNNEST(sequence(1, json_array_length(lines))) AS places (place)
WHERE place BETWEEN 1 AND json_array_length(lines);

-- The credit and debit notes of statements: what each charges beside usage.
CREATE OR REPLACE VIEW statement_adjustments AS
SELECT
    provider,
    statement,
    billing_month,
    json_extract_scalar(json_array_get(adjustments, place - 1), '$.M.adjustment.S') AS adjustment,
    -- The statement of a closed month that it corrects.
    json_extract_scalar(json_array_get(adjustments, place - 1), '$.M.corrects.S') AS corrects,
    json_extract_scalar(json_array_get(adjustments, place - 1), '$.M.reason.S') AS reason,
    -- Negative for a credit note.
    CAST(json_extract_scalar(json_array_get(adjustments, place - 1), '$.M.amount_fen.N') AS bigint) AS charge_fen
FROM statements
CROSS JOIN UNNEST(sequence(1, json_array_length(adjustments))) AS places (place)
WHERE place BETWEEN 1 AND json_array_length(adjustments);

-- Everything that statements charge. The rows of a statement sum to its charge.
CREATE OR REPLACE VIEW statement_charges AS
SELECT
    lines.provider,
    lines.statement,
    lines.billing_month,
    segments.plan,
    segments.plan_version,
    lines.rate,
    lines.because,
    lines.charge_fen
FROM statement_lines AS lines
JOIN statement_segments AS segments
    ON segments.provider = lines.provider
    AND segments.statement = lines.statement
    AND segments.segment = lines.segment
UNION ALL
SELECT
    provider,
    statement,
    billing_month,
    -- No plan prices an adjustment.
    '(adjustments)',
    '(adjustments)',
    '(adjustments)',
    'adjustment',
    charge_fen
FROM statement_adjustments;

-- The journal: one row for each posting of each entry.
CREATE OR REPLACE VIEW postings AS
WITH entries AS (
    SELECT
        json_extract_scalar(item, '$.provider.S') AS provider,
        CAST(json_extract_scalar(item, '$.number.N') AS bigint) AS number,
        CAST(json_extract_scalar(item, '$.recorded_at_s.N') AS bigint) AS recorded_at_s,
        json_extract_scalar(item, '$.cause.S') AS cause,
        json_extract(item, '$.postings.L') AS postings
    FROM items
    WHERE pk LIKE 'provider#%' AND sk LIKE 'entry#%'
)
SELECT
    provider,
    number,
    recorded_at_s,
    cause,
    json_extract_scalar(json_array_get(postings, place - 1), '$.M.ledger.S') AS ledger,
    -- Positive to debit the ledger, negative to credit it.
    CAST(json_extract_scalar(json_array_get(postings, place - 1), '$.M.amount_fen.N') AS bigint) AS amount_fen
FROM entries
CROSS JOIN UNNEST(sequence(1, json_array_length(postings))) AS places (place)
WHERE place BETWEEN 1 AND json_array_length(postings);

-- Debits: what was requested at Alipay, and what became of it. One that was not sent yet has no amount.
CREATE OR REPLACE VIEW debits AS
SELECT
    json_extract_scalar(item, '$.provider.S') AS provider,
    CAST(json_extract_scalar(item, '$.debit.N') AS bigint) AS debit,
    json_extract_scalar(item, '$.phase.S') AS phase,
    CAST(json_extract_scalar(item, '$.terms.M.amount_fen.N') AS bigint) AS amount_fen,
    -- The last billing day whose charge it collects.
    json_extract_scalar(item, '$.terms.M.through.S') AS through,
    coalesce(json_array_length(json_extract(item, '$.declines.L')), 0) AS declines
FROM items
WHERE pk LIKE 'provider#%' AND sk LIKE 'debit#%';
