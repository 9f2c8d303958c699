-- What each provider was charged in each month, by plan, rate and cause.
SELECT
    lines.provider,
    lines.billing_month,
    segments.plan,
    segments.plan_version,
    lines.rate,
    lines.because,
    CAST(sum(lines.charge_fen) AS bigint) AS charge_fen
FROM statement_lines AS lines
JOIN statement_segments AS segments
    ON segments.provider = lines.provider
    AND segments.statement = lines.statement
    AND segments.segment = lines.segment
GROUP BY lines.provider, lines.billing_month, segments.plan, segments.plan_version, lines.rate, lines.because
ORDER BY
    lines.provider, lines.billing_month, segments.plan, segments.plan_version, lines.rate, lines.because;
