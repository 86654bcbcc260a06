-- An attempt begins only after the one before it was closed.
SELECT a.job_id, a.number, a.finished_at, b.claimed_at
FROM job_attempts a
JOIN job_attempts b ON b.job_id = a.job_id AND b.number = a.number + 1
WHERE a.finished_at IS NULL OR a.finished_at > b.claimed_at
