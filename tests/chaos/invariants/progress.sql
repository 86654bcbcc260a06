-- Progress is from 0 to 100, and 100 exactly when the job is completed.
SELECT id, status, progress
FROM background_jobs
WHERE progress NOT BETWEEN 0 AND 100 OR (progress = 100) <> (status = 'completed')
