-- No item is committed twice, and a completed job has all of its items.
SELECT b.id, b.status, b.metadata->>'items' AS expected,
       count(l.item) AS committed, count(DISTINCT l.item) AS different
FROM background_jobs b
LEFT JOIN chaos_ledger l ON l.job = b.id
GROUP BY b.id
HAVING count(l.item) <> count(DISTINCT l.item)
    OR b.status = 'completed' AND count(DISTINCT l.item) <> (b.metadata->>'items')::int
    OR max(l.item) >= (b.metadata->>'items')::int
