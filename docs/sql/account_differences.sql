-- Accounts whose figures are not the sums of their journal entries. There must be none.
WITH sums AS (
    SELECT
        provider,
        -sum(CASE WHEN ledger = 'prepaid' THEN amount_fen ELSE 0 END) AS prepaid_fen,
        sum(CASE WHEN ledger IN ('receivable', 'reserved') THEN amount_fen ELSE 0 END) AS receivable_fen,
        sum(CASE WHEN ledger = 'reserved' THEN amount_fen ELSE 0 END) AS reserved_fen
    FROM postings
    GROUP BY provider
)
SELECT
    accounts.provider,
    accounts.prepaid_fen,
    CAST(coalesce(sums.prepaid_fen, 0) AS bigint) AS journal_prepaid_fen,
    accounts.receivable_fen,
    CAST(coalesce(sums.receivable_fen, 0) AS bigint) AS journal_receivable_fen,
    accounts.reserved_fen,
    CAST(coalesce(sums.reserved_fen, 0) AS bigint) AS journal_reserved_fen
FROM accounts
LEFT JOIN sums ON sums.provider = accounts.provider
WHERE accounts.prepaid_fen <> coalesce(sums.prepaid_fen, 0)
    OR accounts.receivable_fen <> coalesce(sums.receivable_fen, 0)
    OR accounts.reserved_fen <> coalesce(sums.reserved_fen, 0)
ORDER BY accounts.provider;
