-- A checkpoint covers just the rows that are there: those counted when it committed.
SELECT c.job_id, c.stage, c.state, c.items, found.rows
FROM job_checkpoints c
CROSS JOIN LATERAL (
    SELECT CASE c.stage
        WHEN 'work' THEN (SELECT count(*) FROM chaos_ledger l
                          WHERE l.job = c.job_id AND l.item < c.items)
        WHEN 'materials' THEN (SELECT count(*) FROM chaos_rows r
                               WHERE r.job_id = c.job_id)
        ELSE 1 END AS rows
) found
WHERE c.items <> found.rows
