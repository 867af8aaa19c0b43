-- uuidv7 1.0 for PostgreSQL 14 to 17, in SQL.
\echo Use "CREATE EXTENSION uuidv7" to load this file. \quit

-- Each body is parsed here and bound to pg_catalog, whatever lies in the schema or in a caller's search_path.
SET LOCAL search_path TO pg_catalog, pg_temp;

-- One reading of the clock gives 48 bits of milliseconds and 12 bits below them (1 ms = 4096); the rest is random, from version 4.
CREATE FUNCTION @extschema@.uuidv7() RETURNS uuid
LANGUAGE sql VOLATILE PARALLEL SAFE
RETURN (overlay('0' || to_hex((date_part('epoch', clock_timestamp()) * 4096000::float8)::int8) PLACING '7' FROM 13 FOR 0)
        || "right"(gen_random_uuid()::text, 17))::uuid;

-- The same for another time. 2^60 is added and its digit cut off: that pads, and a time before 1970 or after 10889 is an error.
CREATE FUNCTION @extschema@.uuidv7(shift interval) RETURNS uuid
LANGUAGE sql VOLATILE PARALLEL SAFE
RETURN (overlay(substr(to_hex(1152921504606846976::int8
                              + ((date_part('epoch', clock_timestamp() + shift) * 32768000::float8)::int8 >> 3)), 2)
                PLACING '7' FROM 13 FOR 0)
        || "right"(gen_random_uuid()::text, 17))::uuid;

CREATE FUNCTION @extschema@.uuidv7_timestamp(id uuid) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN substr(id::text, 15, 1) = '7' AND substr(id::text, 20, 1) IN ('8', '9', 'a', 'b')
            THEN to_timestamp(('x' || substr(id::text, 1, 8) || substr(id::text, 10, 4))::bit(48)::int8::float8 / 1000::float8)
       END;

COMMENT ON FUNCTION @extschema@.uuidv7() IS 'a UUID version 7 of this moment, ordered to the microsecond within a backend';
COMMENT ON FUNCTION @extschema@.uuidv7(interval) IS 'a UUID version 7 of this moment shifted by an interval';
COMMENT ON FUNCTION @extschema@.uuidv7_timestamp(uuid) IS 'the time in a UUID version 7, to the millisecond; NULL for other versions';
