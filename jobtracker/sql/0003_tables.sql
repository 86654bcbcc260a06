-- Room in each page for heap-only updates of the rows that change all the time.
ALTER TABLE background_jobs SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);

-- Every type needs its row: the claim reads the types from this table.
INSERT INTO job_queues (job_type, paused) VALUES
    ('pdf_processing', false), ('web_scraping', false), ('xml_import', false);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% only grows: its rows are neither changed nor deleted', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER audit_log_only_grows BEFORE UPDATE OR DELETE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
