-- What each provider owes, by age: days from the billing day to the last billing day of any statement.
-- Money pays the oldest statement first, so what is owed is of the newest ones.
WITH owing AS (
    SELECT statements.*, accounts.receivable_fen, greatest(charge_fen - from_prepaid_fen, 0) AS payable_fen
    FROM statements
    JOIN accounts ON accounts.provider = statements.provider
), newer AS (
    SELECT owing.*, coalesce(sum(payable_fen) OVER (
        PARTITION BY provider ORDER BY billing_day DESC, supplement DESC
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ), 0) AS newer_fen
    FROM owing
), aged AS (
    SELECT
        provider,
        greatest(least(payable_fen, receivable_fen - newer_fen), 0) AS owed_fen,
        date_diff('day', CAST(billing_day AS date), (SELECT max(CAST(billing_day AS date)) FROM statements)) AS age_days
    FROM newer
)
SELECT
    accounts.provider,
    accounts.receivable_fen,
    CAST(coalesce(sum(CASE WHEN age_days <= 30 THEN owed_fen END), 0) AS bigint) AS to_30_days_fen,
    CAST(coalesce(sum(CASE WHEN age_days BETWEEN 31 AND 60 THEN owed_fen END), 0) AS bigint) AS to_60_days_fen,
    CAST(coalesce(sum(CASE WHEN age_days BETWEEN 61 AND 90 THEN owed_fen END), 0) AS bigint) AS to_90_days_fen,
    CAST(coalesce(sum(CASE WHEN age_days > 90 THEN owed_fen END), 0) AS bigint) AS older_fen
FROM accounts
LEFT JOIN aged ON aged.provider = accounts.provider
WHERE accounts.receivable_fen > 0
GROUP BY accounts.provider, accounts.receivable_fen
ORDER BY accounts.provider;
