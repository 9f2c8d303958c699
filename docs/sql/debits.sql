-- Debits by outcome: how many there are, and what they ask for, by the month of the last billing day that they collect.
SELECT
    coalesce(substr(through, 1, 7), 'not sent') AS billing_month,
    phase,
    count(*) AS debits,
    CAST(coalesce(sum(amount_fen), 0) AS bigint) AS amount_fen,
    CAST(sum(declines) AS bigint) AS declines
FROM debits
GROUP BY coalesce(substr(through, 1, 7), 'not sent'), phase
ORDER BY 1, 2;
