-- The sum of each ledger over all providers: debits are positive, credits negative. The sums sum to zero.
SELECT ledger, CAST(sum(amount_fen) AS bigint) AS amount_fen
FROM postings
GROUP BY ledger
ORDER BY ledger;
