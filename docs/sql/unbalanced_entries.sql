-- Journal entries whose postings do not sum to zero. There must be none.
SELECT provider, number, CAST(sum(amount_fen) AS bigint) AS sum_fen
FROM postings
GROUP BY provider, number
HAVING sum(amount_fen) <> 0
ORDER BY provider, number;
