-- After the end no session of the system is left.
SELECT pid, application_name, state, backend_start
FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE 'jt-%'
