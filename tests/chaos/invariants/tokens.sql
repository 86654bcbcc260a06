-- A job's token is that of its open attempt, and it has one exactly while it is processing.
SELECT b.id, b.status, b.attempt_token, a.token
FROM background_jobs b
LEFT JOIN job_attempts a ON a.job_id = b.id AND a.finished_at IS NULL
WHERE b.attempt_token IS DISTINCT FROM a.token
   OR (b.attempt_token IS NOT NULL) <> (b.status = 'processing')
