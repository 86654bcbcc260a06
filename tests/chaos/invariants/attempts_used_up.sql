-- Only a job's own error or the death of its own process uses up an attempt: a restart of the
-- database, of a worker or of a line costs none.
SELECT b.id, b.metadata->>'behaviour' AS behaviour, a.used, allowed.faults, allowed.errors
FROM background_jobs b
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE outcome IN ('crashed', 'retryable')) AS used
    FROM job_attempts WHERE job_id = b.id
) a
CROSS JOIN LATERAL (
    SELECT (SELECT count(*) FROM chaos_faults f
            WHERE b.id = ANY (f.jobs) AND f.kind IN ('child', 'memory', 'oom', 'disk')) AS faults,
           (SELECT count(*) FROM chaos_raised r WHERE r.job = b.id) AS errors
) allowed
WHERE b.metadata->>'behaviour' <> 'poison' AND a.used > allowed.faults + allowed.errors
