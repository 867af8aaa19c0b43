-- uuidv7 1.0 to 1.1: a bound for range queries by time, on every PostgreSQL.
\echo Use "ALTER EXTENSION uuidv7 UPDATE TO '1.1'" to load this file. \quit

SET LOCAL search_path TO pg_catalog, pg_temp;

-- Ids made at AT or later are never below it, those of an earlier millisecond always are:
--   WHERE id >= uuidv7_lower_bound('2026-01-01') AND id < uuidv7_lower_bound('2026-02-01')
-- Times that no id can have give the lowest or the highest bound.
CREATE FUNCTION @extschema@.uuidv7_lower_bound(at timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (lpad(to_hex(greatest(0::numeric, least(281474976710655::numeric,
                                               floor(extract(epoch FROM timezone('UTC', at)) * 1000::numeric)))::int8), 12, '0')
        || '70008000000000000000')::uuid;

COMMENT ON FUNCTION @extschema@.uuidv7_lower_bound(timestamptz) IS 'the lowest UUID version 7 of the millisecond that holds this instant';
