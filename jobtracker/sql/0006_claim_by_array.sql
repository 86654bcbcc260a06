-- The claim once more, with its candidates as an array: they are found once, by the index, and their
-- rows by their ids. Joined to the table they were found again for each of its rows where it had no
-- statistics yet, or old ones.

-- 1. Share the pause lock (a pause takes it alone, in the transaction of its UPDATE).
-- 2. Lock the rows of the capped queues, so that their running jobs are counted exactly.
-- 3. With a fresh snapshot pick the first free job of the open types; lock only that row.
-- 4. Mark it processing under a new token, open its attempt and note the claiming session.
CREATE OR REPLACE FUNCTION claim_job(by_worker uuid, by_host text, by_pid int)
RETURNS TABLE (job_id uuid, token uuid, number int, job_type text) LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(8020);
    PERFORM FROM job_queues q WHERE NOT q.paused AND q.max_running IS NOT NULL
        ORDER BY q.job_type FOR UPDATE;
    RETURN QUERY
    WITH picked AS MATERIALIZED (
        SELECT b.id FROM background_jobs b
        WHERE b.id = ANY (ARRAY(
            SELECT c.id FROM open_queues o
            CROSS JOIN LATERAL (
                SELECT c.id FROM background_jobs c
                WHERE c.status = 'pending' AND c.run_after IS NULL AND c.waiting_for IS NULL
                  AND c.job_type = o.job_type
                ORDER BY c.priority DESC, c.id LIMIT 16
            ) c
        )) AND b.status = 'pending' AND b.run_after IS NULL AND b.waiting_for IS NULL
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
