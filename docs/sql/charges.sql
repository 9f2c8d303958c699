-- What each provider was charged in each month, by plan, rate and cause.
SELECT
    provider,
    billing_month,
    plan,
    plan_version,
    rate,
    because,
    CAST(sum(charge_fen) AS bigint) AS charge_fen
FROM statement_charges
GROUP BY provider, billing_month, plan, plan_version, rate, because
ORDER BY provider, billing_month, plan, plan_version, rate, because;
