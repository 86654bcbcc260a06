-- Every job has ended, and as its behaviour says: none is lost, none stuck, none failed for a fault
-- that it could survive.
SELECT id, status, metadata->>'behaviour' AS behaviour, error, crash_count, retry_count,
       hand_back_count
FROM background_jobs
WHERE NOT CASE metadata->>'behaviour'
    WHEN 'permanent' THEN status = 'failed'
    WHEN 'poison' THEN status = 'failed'
    WHEN 'cancel' THEN status IN ('cancelled', 'completed')
    ELSE status = 'completed' END
