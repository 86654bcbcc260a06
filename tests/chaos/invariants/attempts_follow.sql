-- An attempt begins only after the one before it was closed. (Its claimed_at is when the claim was
-- sent, which may have waited for just that.)
SELECT a.job_id, a.number, closed.at AS closed_at, claimed.at AS claimed_at
FROM job_attempts a
JOIN job_attempts b ON b.job_id = a.job_id AND b.number = a.number + 1
JOIN chaos_history claimed ON claimed.token = b.token AND claimed.kind = 'claimed'
LEFT JOIN chaos_history closed ON closed.token = a.token AND closed.kind = 'closed'
WHERE closed.at IS NULL OR closed.at > claimed.at
