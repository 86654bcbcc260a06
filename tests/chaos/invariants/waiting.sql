-- No ready job waits for 30 s beside a free slot.
WITH samples AS (
    SELECT at, ready > 0 AND free > 0 AS wrong, at - lag(at) OVER (ORDER BY at) AS since
    FROM chaos_samples
), spans AS (
    -- Seconds without a sample prove nothing, so they end a span too.
    SELECT at, wrong, sum((NOT wrong OR since > interval '5 s')::int) OVER (ORDER BY at) AS span
    FROM samples
)
SELECT min(at) AS since, max(at) AS until
FROM spans WHERE wrong
GROUP BY span
HAVING max(at) - min(at) >= interval '30 s'
