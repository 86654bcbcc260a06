-- A claim that leaves nothing to be asked before the first stage: beside the job it notes the
-- attempt's sessions, its nurse's and that of the process that waits for it (there may be none),
-- and tells of the job what that process must know.
CREATE FUNCTION claim_attempt(by_worker uuid, by_host text, by_pid int,
                              waiting_pid int, waiting_since timestamptz)
RETURNS TABLE (job_id uuid, token uuid, number int, job_type text, filename text,
               supplier_id bigint, metadata jsonb, answer jsonb, parent_id uuid,
               created_by_id bigint, resumes boolean) LANGUAGE plpgsql VOLATILE AS $$
DECLARE claimed record;
BEGIN
    SELECT * INTO claimed FROM claim_job(by_worker, by_host, by_pid);
    IF NOT FOUND THEN
        RETURN;
    END IF;
    INSERT INTO job_attempt_sessions (token, pid, backend_start)
        SELECT claimed.token, s.pid, s.backend_start
        FROM pg_stat_get_activity(pg_backend_pid()) s
        UNION ALL
        SELECT claimed.token, waiting_pid, waiting_since WHERE waiting_pid IS NOT NULL;
    RETURN QUERY
        SELECT claimed.job_id, claimed.token, claimed.number, claimed.job_type, b.filename::text,
               b.supplier_id, b.metadata, b.answer, b.parent_id, b.created_by_id,
               EXISTS (SELECT FROM job_checkpoints c WHERE c.job_id = b.id)
        FROM background_jobs b WHERE b.id = claimed.job_id;
END $$;
