-- uuidv7 1.0 for PostgreSQL 18 and later: the native function under the name that a dump of an older server asks for.
\echo Use "CREATE EXTENSION uuidv7" to load this file. \quit

SET LOCAL search_path TO pg_catalog, pg_temp;

CREATE FUNCTION @extschema@.uuidv7() RETURNS uuid
LANGUAGE sql VOLATILE PARALLEL SAFE
RETURN pg_catalog.uuidv7();

CREATE FUNCTION @extschema@.uuidv7(shift interval) RETURNS uuid
LANGUAGE sql VOLATILE PARALLEL SAFE
RETURN pg_catalog.uuidv7(shift);

CREATE FUNCTION @extschema@.uuidv7_timestamp(id uuid) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN uuid_extract_version(id) = 7 THEN uuid_extract_timestamp(id) END;

COMMENT ON FUNCTION @extschema@.uuidv7() IS 'a UUID version 7 of this moment, monotonic within a backend';
COMMENT ON FUNCTION @extschema@.uuidv7(interval) IS 'a UUID version 7 of this moment shifted by an interval';
COMMENT ON FUNCTION @extschema@.uuidv7_timestamp(uuid) IS 'the time in a UUID version 7, to the millisecond; NULL for other versions';
