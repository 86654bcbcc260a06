-- A job's attempts are numbered from 1, without a gap and without a double.
SELECT job_id, number, place
FROM (SELECT job_id, number, row_number() OVER (PARTITION BY job_id ORDER BY number) AS place
      FROM job_attempts) numbered
WHERE number <> place
