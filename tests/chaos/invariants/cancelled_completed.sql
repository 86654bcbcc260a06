-- No cancelled job is ever completed, nor does it start again.
SELECT h.job, h.at AS cancelled_at, later.kind, later.status, later.at
FROM chaos_history h
JOIN chaos_history later ON later.job = h.job AND later.id > h.id
WHERE h.kind = 'job' AND h.status = 'cancelled'
  AND (later.kind = 'claimed' OR later.kind = 'job')
