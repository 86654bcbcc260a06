-- A completed job has left the same materials as an undisturbed run, each written once:
-- one for every five items.
WITH wanted AS (
    SELECT b.id AS job, b.supplier_id AS supplier, b.metadata->>'label' AS label, n AS number
    FROM background_jobs b, generate_series(1, ceil((b.metadata->>'items')::int / 5.0)::int) n
    WHERE b.status = 'completed'
), found AS (
    SELECT v.job_id AS job, v.row_number AS number, count(*) AS versions, min(m.supplier_id) AS supplier,
           min(m.sku) AS sku, min(m.name) AS name, min(m.price) AS price, min(m.currency) AS currency,
           bool_and(v.op = 'c') AS created
    FROM material_versions v
    JOIN materials m ON m.id = v.material_id
    JOIN background_jobs b ON b.id = v.job_id
    WHERE b.status = 'completed'
    GROUP BY 1, 2
)
SELECT job, w.number AS wanted, f.number AS found, f.versions, f.name, f.price
FROM wanted w FULL JOIN found f USING (job, number)
WHERE (w.supplier, w.label || '-' || number, 'Product ' || number || ' of ' || w.label,
       (number * 37 % 1000) + 0.50, 'EUR', 1, true)
   IS DISTINCT FROM (f.supplier, f.sku, f.name, f.price, f.currency, f.versions, f.created)
UNION ALL
-- Nor is there a material that no job has written, or one that two rows of a catalogue stand for.
SELECT NULL, NULL, NULL, count(*), m.name, NULL
FROM materials m
GROUP BY m.supplier_id, m.sku, m.name
HAVING count(*) > 1
