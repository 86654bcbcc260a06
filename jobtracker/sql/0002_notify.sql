-- Every change that a page can show is announced, whoever made it. Triggers are per statement:
-- a bulk update announces itself once. Equal payloads of one transaction are sent once by
-- PostgreSQL, hence the sorting.

CREATE FUNCTION notify_job_changes(ids uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF cardinality(ids) > 180 THEN
        PERFORM pg_notify('job_changes', '{"bulk": true}');
    ELSIF cardinality(ids) > 0 THEN
        PERFORM pg_notify('job_changes', json_build_object('jobs', ids)::text);
    END IF;
END $$;

-- For tables whose every change is visible; the argument names the column with the job's id.
CREATE FUNCTION notify_new_rows() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE ids uuid[];
BEGIN
    EXECUTE format('SELECT array_agg(DISTINCT %1$I ORDER BY %1$I) FROM (SELECT %1$I FROM changed LIMIT 20000) c', TG_ARGV[0]) INTO ids;
    PERFORM notify_job_changes(ids);
    RETURN NULL;
END $$;

CREATE FUNCTION notify_updated_jobs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Everything but the heartbeat and its companions, which no page shows by themselves.
    PERFORM notify_job_changes(array_agg(n.id ORDER BY n.id))
    FROM changed n JOIN before o USING (id)
    WHERE (n.status, n.progress, n.current_stage, n.filename, n.started_at, n.completed_at,
           n.failed_at, n.cancelled_at, n.error, n.priority, n.run_after, n.waiting_for,
           n.retry_count, n.crash_count, n.max_attempts, n.attempt_token, n.cancel_requested_at,
           n.supplier_id, n.stage_done, n.stage_total, n.total_items, n.done_items, n.failed_items, n.skipped_items,
           n.cost_usd, n.stalled_at, n.document_id, n.metadata, n.question, n.result, n.warnings)
       IS DISTINCT FROM
          (o.status, o.progress, o.current_stage, o.filename, o.started_at, o.completed_at,
           o.failed_at, o.cancelled_at, o.error, o.priority, o.run_after, o.waiting_for,
           o.retry_count, o.crash_count, o.max_attempts, o.attempt_token, o.cancel_requested_at,
           o.supplier_id, o.stage_done, o.stage_total, o.total_items, o.done_items, o.failed_items, o.skipped_items,
           o.cost_usd, o.stalled_at, o.document_id, o.metadata, o.question, o.result, o.warnings);
    RETURN NULL;
END $$;

CREATE TRIGGER jobs_inserted AFTER INSERT ON background_jobs REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION notify_new_rows('id');
CREATE TRIGGER jobs_updated AFTER UPDATE ON background_jobs
    REFERENCING NEW TABLE AS changed OLD TABLE AS before
    FOR EACH STATEMENT EXECUTE FUNCTION notify_updated_jobs();
CREATE TRIGGER jobs_deleted AFTER DELETE ON background_jobs REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION notify_new_rows('id');

CREATE TRIGGER attempts_inserted AFTER INSERT ON job_attempts REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION notify_new_rows('job_id');
CREATE TRIGGER attempts_updated AFTER UPDATE ON job_attempts REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION notify_new_rows('job_id');
CREATE TRIGGER events_inserted AFTER INSERT ON job_events REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION notify_new_rows('job_id');

CREATE FUNCTION notify_queues() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('job_changes', '{"queues": true}');
    RETURN NULL;
END $$;
CREATE TRIGGER queues_changed AFTER INSERT OR UPDATE OR DELETE ON job_queues
    FOR EACH STATEMENT EXECUTE FUNCTION notify_queues();

CREATE FUNCTION notify_workers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('job_changes', '{"workers": true}');
    RETURN NULL;
END $$;
CREATE TRIGGER workers_come_and_go AFTER INSERT OR DELETE ON workers
    FOR EACH STATEMENT EXECUTE FUNCTION notify_workers();
-- A statement trigger with a column list fires also where the values stay the same, so the
-- row-level form with a condition is used: one row changes at a time here.
CREATE TRIGGER workers_changed AFTER UPDATE ON workers FOR EACH ROW
    WHEN ((OLD.busy, OLD.slots, OLD.draining) IS DISTINCT FROM (NEW.busy, NEW.slots, NEW.draining))
    EXECUTE FUNCTION notify_workers();
