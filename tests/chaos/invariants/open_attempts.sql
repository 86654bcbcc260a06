-- Each processing job has exactly one open attempt, any other job none.
SELECT b.id, b.status, count(a.id) AS open
FROM background_jobs b
LEFT JOIN job_attempts a ON a.job_id = b.id AND a.finished_at IS NULL
GROUP BY b.id
HAVING count(a.id) <> (b.status = 'processing')::int
