-- What was charged, by billing month and plan. Credits are subtracted.
SELECT
    lines.billing_month,
    segments.plan,
    count(DISTINCT lines.provider) AS providers,
    CAST(sum(lines.charge_fen) AS bigint) AS charge_fen
FROM statement_lines AS lines
JOIN statement_segments AS segments
    ON segments.provider = lines.provider
    AND segments.statement = lines.statement
    AND segments.segment = lines.segment
GROUP BY lines.billing_month, segments.plan
ORDER BY lines.billing_month, segments.plan;
