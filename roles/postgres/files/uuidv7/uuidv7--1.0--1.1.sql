-- uuidv7 1.0 to 1.1: a bound for range queries by time, on every PostgreSQL from 13 on.
\echo Use "ALTER EXTENSION uuidv7 UPDATE TO '1.1'" to load this file. \quit

-- Ids made at AT or later are never below it, those of an earlier millisecond always are:
--   WHERE id >= uuidv7_lower_bound('2026-01-01') AND id < uuidv7_lower_bound('2026-02-01')
-- Times that no id can have give the lowest or the highest bound.
CREATE FUNCTION @extschema@.uuidv7_lower_bound(at pg_catalog.timestamptz) RETURNS pg_catalog.uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
SELECT (pg_catalog.lpad(pg_catalog.to_hex(greatest(0::pg_catalog.float8, least(281474976710655::pg_catalog.float8, pg_catalog.round(
          pg_catalog.date_part('epoch', pg_catalog.date_trunc('milliseconds', pg_catalog.timezone('UTC', at)))
          OPERATOR(pg_catalog.*) 1000::pg_catalog.float8)))::pg_catalog.int8), 12, '0')
        OPERATOR(pg_catalog.||) '70008000000000000000')::pg_catalog.uuid
$$;

COMMENT ON FUNCTION @extschema@.uuidv7_lower_bound(pg_catalog.timestamptz) IS 'the lowest UUID version 7 of the millisecond that holds this instant';
