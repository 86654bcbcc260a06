-- A stage has a checkpoint only if every stage before it has ended.
WITH stages (stage, place) AS (VALUES ('prepare', 1), ('work', 2), ('materials', 3))
SELECT c.job_id, c.stage, earlier.stage AS missing
FROM job_checkpoints c
JOIN stages s USING (stage)
JOIN stages earlier ON earlier.place < s.place
WHERE NOT EXISTS (
    SELECT FROM job_checkpoints d
    WHERE d.job_id = c.job_id AND d.stage = earlier.stage AND d.state <> 'running')
