-- The detail row says the same as its job.
SELECT b.id, b.status, d.status AS detail_status
FROM background_jobs b
LEFT JOIN data_import_jobs d ON d.background_job_id = b.id
WHERE (b.status, b.error, b.total_items, b.done_items + b.skipped_items, b.failed_items)
   IS DISTINCT FROM
      (d.status, d.error_message, d.total_products, d.processed_products, d.failed_products)
