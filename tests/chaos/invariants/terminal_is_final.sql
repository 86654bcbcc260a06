-- A job ends once: nobody asked for a retry here.
SELECT h.job, h.status, later.status AS later, later.at
FROM chaos_history h
JOIN chaos_history later ON later.job = h.job AND later.id > h.id AND later.kind = 'job'
WHERE h.kind = 'job' AND h.status IN ('completed', 'failed', 'cancelled')
