-- An attempt is taken for lost only where its nurse or its host was killed or stopped meanwhile.
SELECT a.job_id, a.number, a.host, a.claimed_at, a.finished_at
FROM job_attempts a
WHERE a.outcome = 'lost' AND NOT EXISTS (
    SELECT FROM chaos_faults f
    WHERE f.host = a.host AND f.at < a.finished_at AND coalesce(f.until, f.at) >= a.claimed_at
      AND f.kind NOT IN ('child', 'memory', 'oom', 'disk', 'stop-child', 'backend'))
