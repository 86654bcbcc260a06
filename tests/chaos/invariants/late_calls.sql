-- After its attempt was closed an attempt makes no call to the outside but the one that was under
-- way: a process stopped between its check and its call cannot be called back.
SELECT c.token, count(*) AS calls
FROM chaos_calls c
JOIN chaos_history h ON h.token = c.token AND h.kind = 'closed'
WHERE c.at > pg_xact_commit_timestamp(h.xmin)
GROUP BY c.token
HAVING count(*) > 1
