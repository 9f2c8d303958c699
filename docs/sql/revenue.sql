-- What was charged, by billing month and plan. Credits are subtracted. Credit and debit notes are in the month of the
-- statement that books them, under `(adjustments)` in place of a plan.
SELECT
    billing_month,
    plan,
    count(DISTINCT provider) AS providers,
    CAST(sum(charge_fen) AS bigint) AS charge_fen
FROM statement_charges
GROUP BY billing_month, plan
ORDER BY billing_month, plan;
