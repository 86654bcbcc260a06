-- A job that kills its process each time is failed after three crashes, all on record.
SELECT b.id, b.status, b.crash_count, count(a.id) AS crashes
FROM background_jobs b
LEFT JOIN job_attempts a ON a.job_id = b.id AND a.outcome = 'crashed'
WHERE b.metadata->>'behaviour' = 'poison'
GROUP BY b.id
HAVING b.status <> 'failed' OR b.crash_count <> 3 OR count(a.id) <> 3
