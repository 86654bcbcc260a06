-- What the harness keeps outside the system's own tables. No constraint refuses a double: it is to
-- be seen. Needs a server with track_commit_timestamp = on.
DROP TABLE IF EXISTS chaos_ledger, chaos_history, chaos_rows, chaos_raised, chaos_calls,
    chaos_faults, chaos_samples;

-- Each committed item, by the attempt that committed it. The sequence tells how far a run is.
CREATE TABLE chaos_ledger (
    id bigserial, job uuid NOT NULL, item int NOT NULL, token uuid NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX ON chaos_ledger (job);
CREATE INDEX ON chaos_ledger (token);

-- Every status of every job, every claim and every closing, in the transaction that made it.
-- kind: job (status is the job's), claimed, closed (status is the attempt's outcome).
CREATE TABLE chaos_history (
    id bigserial, job uuid NOT NULL, kind text NOT NULL, status text, token uuid,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX ON chaos_history (job);
CREATE INDEX ON chaos_history (token);

-- What the catalogue's writer reports of each row.
CREATE TABLE chaos_rows (
    job_id uuid, number int, line int, key text, outcome text, material_id bigint, detail jsonb
);
CREATE INDEX ON chaos_rows (job_id, number);

-- Transient errors that were raised, each once.
CREATE TABLE chaos_raised (job uuid NOT NULL);

-- The calls that the HTTP sink received: loaded from its file after the run.
CREATE TABLE chaos_calls (job uuid, item int, token uuid, at timestamptz);

-- What the harness did. `jobs` are those that the victims worked on; `until` is when a stopped
-- process went on, or a server or a line was back.
CREATE TABLE chaos_faults (
    id int PRIMARY KEY, kind text NOT NULL, host text, jobs uuid[] NOT NULL DEFAULT '{}',
    at timestamptz NOT NULL DEFAULT clock_timestamp(), until timestamptz
);

-- Twice a second: ready jobs, and slots of living workers that had nothing to do.
CREATE TABLE chaos_samples (
    at timestamptz NOT NULL DEFAULT clock_timestamp(), ready int NOT NULL, free int NOT NULL
);

CREATE OR REPLACE FUNCTION chaos_keep_job() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO chaos_history (job, kind, status, token)
    VALUES (NEW.id, 'job', NEW.status, NEW.attempt_token);
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER chaos_job_made AFTER INSERT ON background_jobs
    FOR EACH ROW EXECUTE FUNCTION chaos_keep_job();
CREATE OR REPLACE TRIGGER chaos_job_changed AFTER UPDATE ON background_jobs FOR EACH ROW
    WHEN ((OLD.status, OLD.attempt_token) IS DISTINCT FROM (NEW.status, NEW.attempt_token))
    EXECUTE FUNCTION chaos_keep_job();

CREATE OR REPLACE FUNCTION chaos_keep_attempt() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO chaos_history (job, kind, status, token)
    VALUES (NEW.job_id, CASE WHEN NEW.finished_at IS NULL THEN 'claimed' ELSE 'closed' END,
            NEW.outcome, NEW.token);
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER chaos_attempt_made AFTER INSERT ON job_attempts
    FOR EACH ROW EXECUTE FUNCTION chaos_keep_attempt();
CREATE OR REPLACE TRIGGER chaos_attempt_closed AFTER UPDATE ON job_attempts FOR EACH ROW
    WHEN (OLD.finished_at IS DISTINCT FROM NEW.finished_at)
    EXECUTE FUNCTION chaos_keep_attempt();
