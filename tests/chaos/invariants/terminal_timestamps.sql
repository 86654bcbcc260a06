-- A job has the timestamp of its terminal status and no other.
SELECT id, status, completed_at, failed_at, cancelled_at
FROM background_jobs
WHERE (completed_at IS NOT NULL) <> (status = 'completed')
   OR (failed_at IS NOT NULL) <> (status = 'failed')
   OR (cancelled_at IS NOT NULL) <> (status = 'cancelled')
