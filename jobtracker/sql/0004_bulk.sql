-- As in 0002, except that an act on many rows is announced as such before the two versions of each
-- row are compared. A session that had updated single rows keeps the plan made for one row, a
-- nested loop: a bulk act on 10,000 jobs would then compare a hundred million pairs.
CREATE OR REPLACE FUNCTION notify_updated_jobs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM changed OFFSET 180 LIMIT 1;
    IF FOUND THEN
        PERFORM pg_notify('job_changes', '{"bulk": true}');
        RETURN NULL;
    END IF;
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
