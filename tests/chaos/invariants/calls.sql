-- No committed item without its call to the outside.
SELECT l.job, l.item
FROM chaos_ledger l
WHERE NOT EXISTS (SELECT FROM chaos_calls c WHERE c.job = l.job AND c.item = l.item)
