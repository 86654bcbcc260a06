#!/bin/sh
# Run once by the postgres image, on an empty volume: the application's role is no superuser, and
# only a superuser may create pgvector.
set -eu
psql -v ON_ERROR_STOP=1 -v password="$JOBTRACKER_PASSWORD" --username postgres <<'SQL'
CREATE ROLE jobtracker LOGIN PASSWORD :'password';
CREATE DATABASE jobtracker OWNER jobtracker;
\connect jobtracker
CREATE EXTENSION vector;
SQL
