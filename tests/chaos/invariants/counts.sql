-- The items of an ended job add up; those of a completed one were all done.
SELECT id, status, total_items, done_items, failed_items, skipped_items
FROM background_jobs
WHERE done_items + failed_items + skipped_items > total_items
   OR status = 'completed'
      AND (total_items, done_items) <> ((metadata->>'items')::int, (metadata->>'items')::int)
