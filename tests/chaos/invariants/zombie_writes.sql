-- Nothing commits under a token later than the commit that closed its attempt.
SELECT l.job, l.item, l.token,
       pg_xact_commit_timestamp(l.xmin) AS written, pg_xact_commit_timestamp(h.xmin) AS closed
FROM chaos_ledger l
LEFT JOIN chaos_history h ON h.token = l.token AND h.kind = 'closed'
LEFT JOIN job_attempts a ON a.token = l.token
WHERE a.id IS NULL OR pg_xact_commit_timestamp(l.xmin) > pg_xact_commit_timestamp(h.xmin)
UNION ALL
SELECT c.job_id, -1, a.token, pg_xact_commit_timestamp(c.xmin), pg_xact_commit_timestamp(h.xmin)
FROM job_checkpoints c
JOIN job_attempts a ON a.job_id = c.job_id AND a.number = c.attempt
JOIN chaos_history h ON h.token = a.token AND h.kind = 'closed'
WHERE pg_xact_commit_timestamp(c.xmin) > pg_xact_commit_timestamp(h.xmin)
