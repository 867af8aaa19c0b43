# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every parameter that PostgreSQL 15, 17 and 18 can be configured with, so that a misspelt one is refused before anything changes.

The table is what pg_settings says (an integration test compares them): NAME, where it is not in all three @VERSIONS joined by +, and
after '=' an enumeration's values (~ stands for a space) or UNIT:MINIMUM:MAXIMUM.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

VERSIONS = (15, 17, 18)
_TABLE = {
    "bool": """
allow_alter_system@17+18 allow_in_place_tablespaces allow_system_table_mods array_nulls autovacuum bonjour
check_function_bodies data_sync_retry db_user_namespace@15 debug_pretty_print debug_print_parse debug_print_plan
debug_print_rewritten default_transaction_deferrable default_transaction_read_only enable_async_append
enable_bitmapscan enable_distinct_reordering@18 enable_gathermerge enable_group_by_reordering@17+18 enable_hashagg
enable_hashjoin enable_incremental_sort enable_indexonlyscan enable_indexscan enable_material enable_memoize
enable_mergejoin enable_nestloop enable_parallel_append enable_parallel_hash enable_partition_pruning
enable_partitionwise_aggregate enable_partitionwise_join enable_presorted_aggregate@17+18
enable_self_join_elimination@18 enable_seqscan enable_sort enable_tidscan escape_string_warning event_triggers@17+18
exit_on_error fsync full_page_writes geqo gss_accept_delegation@17+18 hot_standby hot_standby_feedback
ignore_checksum_failure ignore_invalid_pages ignore_system_indexes jit jit_debugging_support jit_dump_bitcode
jit_expressions jit_profiling_support jit_tuple_deforming krb_caseins_users lo_compat_privileges log_checkpoints
log_connections@15+17 log_disconnections log_duration log_executor_stats log_hostname log_lock_failures@18
log_lock_waits log_parser_stats log_planner_stats log_recovery_conflict_waits log_replication_commands
log_statement_stats log_truncate_on_rotation logging_collector md5_password_warnings@18 parallel_leader_participation
quote_all_identifiers recovery_target_inclusive remove_temp_files_after_crash restart_after_crash row_security
send_abort_for_crash@17+18 send_abort_for_kill@17+18 ssl ssl_passphrase_command_supports_reload
ssl_prefer_server_ciphers standard_conforming_strings summarize_wal@17+18 sync_replication_slots@17+18
synchronize_seqscans syslog_sequence_numbers syslog_split_messages trace_connection_negotiation@17+18 trace_notify
trace_sort track_activities track_commit_timestamp track_cost_delay_timing@18 track_counts track_io_timing
track_wal_io_timing transaction_deferrable transaction_read_only transform_null_equals update_process_title
vacuum_truncate@18 wal_init_zero wal_log_hints wal_receiver_create_temp_slot wal_recycle zero_damaged_pages
""",
    "string": """
DateStyle TimeZone application_name archive_cleanup_command archive_command archive_library backtrace_functions
bonjour_name client_encoding cluster_name config_file createrole_self_grant@17+18 data_directory debug_io_direct@17+18
default_table_access_method default_tablespace default_text_search_config dynamic_library_path event_source
extension_control_path@18 extension_destdir@15+17 external_pid_file hba_file ident_file jit_provider
krb_server_keyfile lc_messages lc_monetary lc_numeric lc_time listen_addresses local_preload_libraries
log_connections@18 log_destination log_directory log_filename log_line_prefix log_timezone
oauth_validator_libraries@18 output_plugin_libraries primary_conninfo primary_slot_name promote_trigger_file@15
recovery_end_command recovery_target recovery_target_lsn recovery_target_name recovery_target_time
recovery_target_timeline recovery_target_xid restore_command restrict_nonsystem_relation_kind search_path
session_preload_libraries shared_preload_libraries ssl_ca_file ssl_cert_file ssl_ciphers ssl_crl_dir ssl_crl_file
ssl_dh_params_file ssl_ecdh_curve@15+17 ssl_groups@18 ssl_key_file ssl_passphrase_command ssl_tls13_ciphers@18
synchronized_standby_slots@17+18 synchronous_standby_names syslog_ident temp_tablespaces timezone_abbreviations
unix_socket_directories unix_socket_group wal_consistency_checking
""",
    "enum": """
IntervalStyle=iso_8601|postgres|postgres_verbose|sql_standard archive_mode=always|off|on
backslash_quote=off|on|safe_encoding bytea_output=escape|hex
client_min_messages=debug1|debug2|debug3|debug4|debug5|error|log|notice|warning
composite_type_mismatch@15+17=disabled|error|warn compute_query_id=auto|off|on|regress
constraint_exclusion=off|on|partition debug_logical_replication_streaming@17+18=buffered|immediate
debug_parallel_query@17+18=off|on|regress default_toast_compression=lz4|pglz
default_transaction_isolation=read~committed|read~uncommitted|repeatable~read|serializable
dynamic_shared_memory_type=mmap|posix|sysv file_copy_method@18=clone|copy
file_extend_method@17+18=posix_fallocate|write_zeros force_parallel_mode@15=off|on|regress huge_pages=off|on|try
icu_validation_level@17+18=debug1|debug2|debug3|debug4|debug5|disabled|error|log|notice|warning
io_method@18=io_uring|sync|worker log_error_verbosity=default|terse|verbose
log_min_error_statement=debug1|debug2|debug3|debug4|debug5|error|fatal|info|log|notice|panic|warning
log_min_messages=debug1|debug2|debug3|debug4|debug5|error|fatal|info|log|notice|panic|warning
log_statement=all|ddl|mod|none password_encryption=md5|scram-sha-256
plan_cache_mode=auto|force_custom_plan|force_generic_plan recovery_init_sync_method=fsync|syncfs
recovery_prefetch=off|on|try recovery_target_action=pause|promote|shutdown
session_replication_role=local|origin|replica shared_memory_type=mmap|sysv
ssl_max_protocol_version=|TLSv1|TLSv1.1|TLSv1.2|TLSv1.3 ssl_min_protocol_version=TLSv1|TLSv1.1|TLSv1.2|TLSv1.3
stats_fetch_consistency=cache|none|snapshot synchronous_commit=local|off|on|remote_apply|remote_write
syslog_facility=local0|local1|local2|local3|local4|local5|local6|local7
trace_recovery_messages@15=debug1|debug2|debug3|debug4|debug5|error|log|notice|warning track_functions=all|none|pl
transaction_isolation=read~committed|read~uncommitted|repeatable~read|serializable
wal_compression=lz4|off|on|pglz|zstd wal_level=logical|minimal|replica
wal_sync_method=fdatasync|fsync|open_datasync|open_sync xmlbinary=base64|hex xmloption=content|document
""",
    "integer": """
archive_timeout=s:0:1073741823 authentication_timeout=s:1:600 autovacuum_analyze_threshold=:0:2147483647
autovacuum_freeze_max_age=:100000:2000000000 autovacuum_max_workers=:1:262143
autovacuum_multixact_freeze_max_age=:10000:2000000000 autovacuum_naptime=s:1:2147483
autovacuum_vacuum_cost_limit=:-1:10000 autovacuum_vacuum_insert_threshold=:-1:2147483647
autovacuum_vacuum_max_threshold@18=:-1:2147483647 autovacuum_vacuum_threshold=:0:2147483647
autovacuum_work_mem=kB:-1:2147483647 autovacuum_worker_slots@18=:1:262143 backend_flush_after=8kB:0:256
bgwriter_delay=ms:10:10000 bgwriter_flush_after=8kB:0:256 bgwriter_lru_maxpages=:0:1073741823
checkpoint_flush_after=8kB:0:256 checkpoint_timeout=s:30:86400 checkpoint_warning=s:0:2147483647
client_connection_check_interval=ms:0:2147483647 commit_delay=:0:100000 commit_siblings=:0:1000
commit_timestamp_buffers@17+18=8kB:0:131072 deadlock_timeout=ms:1:2147483647 debug_discard_caches=:0:0
default_statistics_target=:1:10000 effective_cache_size=8kB:1:2147483647 effective_io_concurrency=:0:1000
extra_float_digits=:-15:3 from_collapse_limit=:1:2147483647 geqo_effort=:1:10 geqo_generations=:0:2147483647
geqo_pool_size=:0:2147483647 geqo_threshold=:2:2147483647 gin_fuzzy_search_limit=:0:2147483647
gin_pending_list_limit=kB:64:2147483647 huge_page_size=kB:0:2147483647
idle_in_transaction_session_timeout=ms:0:2147483647 idle_replication_slot_timeout@18=s:0:2147483647
idle_session_timeout=ms:0:2147483647 io_combine_limit@17=8kB:1:32 io_combine_limit@18=8kB:1:128
io_max_combine_limit@18=8kB:1:128 io_max_concurrency@18=:-1:1024 io_workers@18=:1:32 join_collapse_limit=:1:2147483647
lock_timeout=ms:0:2147483647 log_autovacuum_min_duration=ms:-1:2147483647 log_file_mode=:0:511
log_min_duration_sample=ms:-1:2147483647 log_min_duration_statement=ms:-1:2147483647
log_parameter_max_length=B:-1:1073741823 log_parameter_max_length_on_error=B:-1:1073741823
log_rotation_age=min:0:35791394 log_rotation_size@15+17=kB:0:2097151 log_rotation_size@18=kB:0:2147483647
log_startup_progress_interval=ms:0:2147483647 log_temp_files=kB:-1:2147483647
logical_decoding_work_mem=kB:64:2147483647 maintenance_io_concurrency=:0:1000
maintenance_work_mem@15=kB:1024:2147483647 maintenance_work_mem@17+18=kB:64:2147483647
max_active_replication_origins@18=:0:262143 max_connections=:1:262143 max_files_per_process=:64:2147483647
max_locks_per_transaction=:10:2147483647 max_logical_replication_workers=:0:262143
max_notify_queue_pages@17+18=:64:2147483647 max_parallel_apply_workers_per_subscription@17+18=:0:1024
max_parallel_maintenance_workers=:0:1024 max_parallel_workers=:0:1024 max_parallel_workers_per_gather=:0:1024
max_pred_locks_per_page=:0:2147483647 max_pred_locks_per_relation=:-2147483648:2147483647
max_pred_locks_per_transaction=:10:2147483647 max_prepared_transactions=:0:262143 max_replication_slots=:0:262143
max_slot_wal_keep_size=MB:-1:2147483647 max_stack_depth=kB:100:2147483647 max_standby_archive_delay=ms:-1:2147483647
max_standby_streaming_delay=ms:-1:2147483647 max_sync_workers_per_subscription=:0:262143 max_wal_senders=:0:262143
max_wal_size=MB:2:2147483647 max_worker_processes=:0:262143 min_dynamic_shared_memory=MB:0:2147483647
min_parallel_index_scan_size=8kB:0:715827882 min_parallel_table_scan_size=8kB:0:715827882 min_wal_size=MB:2:2147483647
multixact_member_buffers@17+18=8kB:16:131072 multixact_offset_buffers@17+18=8kB:16:131072
notify_buffers@17+18=8kB:16:131072 old_snapshot_threshold@15=min:-1:86400 port=:1:65535 post_auth_delay=s:0:2147
pre_auth_delay=s:0:60 recovery_min_apply_delay=ms:0:2147483647 reserved_connections@17+18=:0:262143
scram_iterations@17+18=:1:2147483647 serializable_buffers@17+18=8kB:16:131072 shared_buffers=8kB:16:1073741823
statement_timeout=ms:0:2147483647 subtransaction_buffers@17+18=8kB:0:131072 superuser_reserved_connections=:0:262143
tcp_keepalives_count=:0:2147483647 tcp_keepalives_idle=s:0:2147483647 tcp_keepalives_interval=s:0:2147483647
tcp_user_timeout=ms:0:2147483647 temp_buffers=8kB:100:1073741823 temp_file_limit=kB:-1:2147483647
track_activity_query_size=B:100:1048576 transaction_buffers@17+18=8kB:0:131072
transaction_timeout@17+18=ms:0:2147483647 unix_socket_permissions=:0:511 vacuum_buffer_usage_limit@17+18=kB:0:16777216
vacuum_cost_limit=:1:10000 vacuum_cost_page_dirty=:0:10000 vacuum_cost_page_hit=:0:10000
vacuum_cost_page_miss=:0:10000 vacuum_defer_cleanup_age@15=:0:1000000 vacuum_failsafe_age=:0:2100000000
vacuum_freeze_min_age=:0:1000000000 vacuum_freeze_table_age=:0:2000000000 vacuum_multixact_failsafe_age=:0:2100000000
vacuum_multixact_freeze_min_age=:0:1000000000 vacuum_multixact_freeze_table_age=:0:2000000000
wal_buffers=8kB:-1:262143 wal_decode_buffer_size=B:65536:1073741823 wal_keep_size=MB:0:2147483647
wal_receiver_status_interval=s:0:2147483 wal_receiver_timeout=ms:0:2147483647
wal_retrieve_retry_interval=ms:1:2147483647 wal_sender_timeout=ms:0:2147483647 wal_skip_threshold=kB:0:2147483647
wal_summary_keep_time@17+18=min:0:35791394 wal_writer_delay=ms:1:10000 wal_writer_flush_after=8kB:0:2147483647
work_mem=kB:64:2147483647
""",
    "real": """
autovacuum_analyze_scale_factor=:0:100 autovacuum_vacuum_cost_delay=ms:-1:100
autovacuum_vacuum_insert_scale_factor=:0:100 autovacuum_vacuum_scale_factor=:0:100 bgwriter_lru_multiplier=:0:10
checkpoint_completion_target=:0:1 cpu_index_tuple_cost=:0: cpu_operator_cost=:0: cpu_tuple_cost=:0:
cursor_tuple_fraction=:0:1 geqo_seed=:0:1 geqo_selection_bias=:1.5:2 hash_mem_multiplier=:1:1000 jit_above_cost=:-1:
jit_inline_above_cost=:-1: jit_optimize_above_cost=:-1: log_statement_sample_rate=:0:1
log_transaction_sample_rate=:0:1 parallel_setup_cost=:0: parallel_tuple_cost=:0: random_page_cost=:0:
recursive_worktable_factor=:0.001:1000000 seq_page_cost=:0: vacuum_cost_delay=ms:0:100
vacuum_max_eager_freeze_failure_rate@18=:0:1
""",
}
_BOOLEANS = {"on": "on", "true": "on", "yes": "on", "1": "on", "off": "off", "false": "off", "no": "off", "0": "off"}
_MEMORY = {"B": 1, "kB": 1024, "8kB": 8192, "MB": 1024**2, "GB": 1024**3, "TB": 1024**4}
_TIME = {"us": 1, "ms": 1000, "s": 10**6, "min": 60 * 10**6, "h": 3600 * 10**6, "d": 86400 * 10**6}
_NUMBER = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([A-Za-z]*)\s*")


@dataclass(frozen=True)
class Parameter:
    """One parameter in one version; numbers carry a unit ('' for none) and their range in that unit."""

    name: str
    kind: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    values: tuple[str, ...] = ()


def _entries() -> Iterator[tuple[Parameter, tuple[int, ...]]]:
    for kind, text in _TABLE.items():
        for word in text.split():
            head, _unused, detail = word.partition("=")
            name, _unused, marks = head.partition("@")
            versions = tuple(int(mark) for mark in marks.split("+")) if marks else VERSIONS
            if kind == "enum":
                yield Parameter(name, kind, values=tuple(detail.replace("~", " ").split("|"))), versions
            elif kind in ("integer", "real"):
                unit, low, high = detail.split(":")
                yield Parameter(name, kind, unit, float(low) if low else None, float(high) if high else None), versions
            else:
                yield Parameter(name, kind), versions


@lru_cache(maxsize=8)
def parameters(version: int) -> dict[str, Parameter]:
    """Name -> parameter of VERSION."""
    return {parameter.name: parameter for parameter, versions in _entries() if version in versions}


@lru_cache(maxsize=1)
def versions_of() -> dict[str, tuple[int, ...]]:
    """Name -> the versions that know it."""
    found: dict[str, set[int]] = {}
    for parameter, versions in _entries():
        found.setdefault(parameter.name, set()).update(versions)
    return {name: tuple(sorted(versions)) for name, versions in found.items()}


def number(value: str, unit: str) -> float | None:
    """VALUE in UNIT ('64MB' in '8kB' -> 8192); a bare number is in UNIT already. None where it is no such quantity."""
    match = _NUMBER.fullmatch(value)
    if not match:
        return None
    amount, given = float(match[1]), match[2]
    if not given:
        return amount
    for table in (_MEMORY, _TIME):
        if unit in table and given in table and given != "8kB":
            return amount * table[given] / table[unit]
    return None


def canonical(parameter: Parameter, value: str) -> str | float | None:
    """VALUE in a form in which equal values are equal; None where the parameter cannot have it."""
    if parameter.kind == "bool":
        return _BOOLEANS.get(value.strip().lower())
    if parameter.kind == "enum":
        wanted = value.strip().lower()
        if wanted in parameter.values:
            return wanted
        return _BOOLEANS.get(wanted) if _BOOLEANS.get(wanted) in parameter.values else None
    if parameter.kind == "string":
        return value
    amount = number(value, parameter.unit)
    if amount is None:
        return None
    if parameter.kind == "integer":
        amount = float(round(amount))
    low, high = parameter.minimum, parameter.maximum
    if (low is not None and amount < low) or (high is not None and amount > high):
        return None
    return amount


def expected(parameter: Parameter) -> str:
    """What the parameter takes, for a message."""
    if parameter.kind == "bool":
        return "on or off"
    if parameter.kind == "enum":
        return f"one of {', '.join(parameter.values)}"
    if parameter.kind == "string":
        return "text"
    what = {"integer": "a whole number", "real": "a number"}[parameter.kind]
    if parameter.unit in _MEMORY:
        what = "a size, like 64MB"
    elif parameter.unit in _TIME:
        what = "a time, like 30s"
    low, high = parameter.minimum, parameter.maximum
    bounds = (
        f" from {low:.15g} to {high:.15g}"
        if low is not None and high is not None
        else f" of at least {low:.15g}"
        if low is not None
        else ""
    )
    return what + bounds + (f" (in {parameter.unit})" if bounds and parameter.unit else "")
