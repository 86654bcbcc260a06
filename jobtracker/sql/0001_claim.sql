-- The claim. VOLATILE plpgsql, because the locks must be taken before the snapshot that the claim
-- reads: in one statement the count of running jobs would still be the one from before the wait.

-- Types that may run one more job now, with how many more.
CREATE VIEW open_queues AS
SELECT q.job_type, q.max_running - running.n AS room
FROM job_queues q
CROSS JOIN LATERAL (
    SELECT count(*) AS n FROM background_jobs r
    WHERE q.max_running IS NOT NULL AND r.status = 'processing' AND r.job_type = q.job_type
) running
WHERE NOT q.paused AND (q.max_running IS NULL OR q.max_running > running.n);

-- How many jobs could start now, counted no further than `wanted`. The ORDER BY keeps the planner
-- on the partial index; without it a table with many waiting rows is scanned from end to end.
CREATE FUNCTION ready_jobs(wanted int) RETURNS int LANGUAGE sql STABLE AS $$
    SELECT count(*)::int FROM (
        SELECT FROM open_queues o CROSS JOIN LATERAL (
            SELECT c.id FROM background_jobs c
            WHERE c.status = 'pending' AND c.run_after IS NULL AND c.waiting_for IS NULL
              AND c.job_type = o.job_type
            ORDER BY c.priority DESC, c.id
            LIMIT least(wanted, coalesce(o.room, wanted))
        ) c
        LIMIT wanted
    ) found
$$;

-- 1. Share the pause lock (a pause takes it alone, in the transaction of its UPDATE).
-- 2. Lock the rows of the capped queues, so that their running jobs are counted exactly.
-- 3. With a fresh snapshot pick the first free job of the open types; lock only that row.
-- 4. Mark it processing under a new token, open its attempt and note the claiming session.
CREATE FUNCTION claim_job(by_worker uuid, by_host text, by_pid int)
RETURNS TABLE (job_id uuid, token uuid, number int, job_type text) LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(8020);
    PERFORM FROM job_queues q WHERE NOT q.paused AND q.max_running IS NOT NULL
        ORDER BY q.job_type FOR UPDATE;
    RETURN QUERY
    WITH picked AS MATERIALIZED (
        SELECT b.id FROM open_queues o
        CROSS JOIN LATERAL (
            SELECT c.id FROM background_jobs c
            WHERE c.status = 'pending' AND c.run_after IS NULL AND c.waiting_for IS NULL
              AND c.job_type = o.job_type
            ORDER BY c.priority DESC, c.id LIMIT 16
        ) c
        JOIN background_jobs b ON b.id = c.id
        WHERE b.status = 'pending' AND b.run_after IS NULL AND b.waiting_for IS NULL
        ORDER BY b.priority DESC, b.id
        LIMIT 1 FOR UPDATE OF b SKIP LOCKED
    ), taken AS (
        UPDATE background_jobs j SET
            status = 'processing',
            attempt_token = gen_random_uuid(),
            started_at = coalesce(j.started_at, clock_timestamp()),
            last_heartbeat = clock_timestamp(),
            advanced_at = clock_timestamp(),
            updated_at = clock_timestamp(),
            stalled_at = NULL,
            error = '',
            error_fingerprint = ''
        FROM picked WHERE j.id = picked.id
        RETURNING j.id, j.attempt_token, j.job_type
    ), opened AS (
        INSERT INTO job_attempts (job_id, number, token, worker, host, pid, stage, error,
                                  error_type, traceback, sentry_event_id)
        SELECT t.id, 1 + coalesce((SELECT max(a.number) FROM job_attempts a WHERE a.job_id = t.id), 0),
               t.attempt_token, by_worker, by_host, by_pid, '', '', '', '', ''
        FROM taken t
        RETURNING job_attempts.job_id, job_attempts.token, job_attempts.number
    )
    SELECT o.job_id, o.token, o.number::int, t.job_type::text FROM opened o JOIN taken t ON t.id = o.job_id;
END $$;
