-- uuidv7 1.0 for PostgreSQL 13 to 17, in SQL.
\echo Use "CREATE EXTENSION uuidv7" to load this file. \quit

-- Bodies are texts, as 13 has no others, so every function, operator and type names its schema: whatever lies in a caller's search_path is not
-- called, and without a SET clause the planner can inline them.

-- One reading of the clock gives 48 bits of milliseconds and 12 bits below them (1 ms = 4096); the rest is random, from version 4.
CREATE FUNCTION @extschema@.uuidv7() RETURNS pg_catalog.uuid
LANGUAGE sql VOLATILE PARALLEL SAFE
AS $$
SELECT (pg_catalog.overlay('0' OPERATOR(pg_catalog.||) pg_catalog.to_hex(
          (pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) OPERATOR(pg_catalog.*) 4096000::pg_catalog.float8)::pg_catalog.int8), '7', 13, 0)
        OPERATOR(pg_catalog.||) pg_catalog."right"(pg_catalog.gen_random_uuid()::pg_catalog.text, 17))::pg_catalog.uuid
$$;

-- The same for another time. 2^60 is added and its digit cut off: that pads, and a time before 1970 or after 10889 is an error.
CREATE FUNCTION @extschema@.uuidv7(shift pg_catalog.interval) RETURNS pg_catalog.uuid
LANGUAGE sql VOLATILE PARALLEL SAFE
AS $$
SELECT (pg_catalog.overlay(pg_catalog.substr(pg_catalog.to_hex(1152921504606846976::pg_catalog.int8 OPERATOR(pg_catalog.+) (
          (pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() OPERATOR(pg_catalog.+) shift) OPERATOR(pg_catalog.*) 32768000::pg_catalog.float8)::pg_catalog.int8
          OPERATOR(pg_catalog.>>) 3)), 2), '7', 13, 0)
        OPERATOR(pg_catalog.||) pg_catalog."right"(pg_catalog.gen_random_uuid()::pg_catalog.text, 17))::pg_catalog.uuid
$$;

CREATE FUNCTION @extschema@.uuidv7_timestamp(id pg_catalog.uuid) RETURNS pg_catalog.timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT CASE WHEN id::pg_catalog.text OPERATOR(pg_catalog.~) '^.{14}7.{4}[89ab]'
            THEN pg_catalog.to_timestamp(('x' OPERATOR(pg_catalog.||) pg_catalog.substr(id::pg_catalog.text, 1, 8)
                   OPERATOR(pg_catalog.||) pg_catalog.substr(id::pg_catalog.text, 10, 4))::pg_catalog."bit"(48)::pg_catalog.int8::pg_catalog.float8
                   OPERATOR(pg_catalog./) 1000::pg_catalog.float8)
       END
$$;

COMMENT ON FUNCTION @extschema@.uuidv7() IS 'a UUID version 7 of this moment, ordered to the microsecond within a backend';
COMMENT ON FUNCTION @extschema@.uuidv7(pg_catalog.interval) IS 'a UUID version 7 of this moment shifted by an interval';
COMMENT ON FUNCTION @extschema@.uuidv7_timestamp(pg_catalog.uuid) IS 'the time in a UUID version 7, to the millisecond; NULL for other versions';
