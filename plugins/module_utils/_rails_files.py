# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rails' own configuration files from the description: they hold no secret, and read ENV when the application starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ansible_collections.mainstay.backend.plugins.module_utils._environment import url_names
from ansible_collections.mainstay.backend.plugins.module_utils._tls_consumer import files_for

if TYPE_CHECKING:
    from ansible_collections.mainstay.backend.plugins.plugin_utils.types import Consumer, Description

PATHS = {
    "database": "config/database.yml",
    "cable": "config/cable.yml",
    "cache": "config/initializers/mainstay_cache.rb",
    "session": "config/initializers/mainstay_session.rb",
    "sidekiq": "config/sidekiq.yml",
}
SIDEKIQ_INITIALIZER = "config/initializers/mainstay_sidekiq.rb"
#: From this Rails on a pool is called max_connections, and the cache store takes its pool as a mapping.
MAX_CONNECTIONS, POOL_MAPPING = (8, 1), (7, 1)

_DATABASE = """\
default: &default
  adapter: postgresql
  encoding: unicode
  @POOL@: <%= ENV.fetch("DATABASE_POOL") %>
  checkout_timeout: <%= ENV.fetch("DATABASE_CHECKOUT_TIMEOUT") %>
  connect_timeout: <%= ENV.fetch("DATABASE_CONNECT_TIMEOUT") %>
  prepared_statements: true
  variables:
    statement_timeout: '<%= ENV.fetch("DATABASE_STATEMENT_TIMEOUT") %>'

@ENVIRONMENT@:
"""
_CABLE = """\
@ENVIRONMENT@:
  adapter: redis
  url: '<%= ENV.fetch("@URL@") %>'
@TLS_YAML@  channel_prefix: @APP@_@ENVIRONMENT@
  connect_timeout: <%= ENV.fetch("REDIS_@INSTANCE@_CONNECT_TIMEOUT") %>
  read_timeout: <%= ENV.fetch("REDIS_@INSTANCE@_READ_TIMEOUT") %>
  write_timeout: <%= ENV.fetch("REDIS_@INSTANCE@_WRITE_TIMEOUT") %>
"""
#: A store swallows its errors: without a report an outage shows as misses alone, or as everybody signed out.
_STORE = """\
mainstay_@KIND@ = ActiveSupport::Cache::RedisCacheStore.new(
  url: ENV.fetch("@URL@"),
@TLS@  @POOL@,
  connect_timeout: Float(ENV.fetch("REDIS_@INSTANCE@_CONNECT_TIMEOUT")),
  read_timeout: Float(ENV.fetch("REDIS_@INSTANCE@_READ_TIMEOUT")),
  write_timeout: Float(ENV.fetch("REDIS_@INSTANCE@_WRITE_TIMEOUT")),
  reconnect_attempts: 1,
  namespace: "@APP@:@ENVIRONMENT@:@KIND@",
  expires_in: @AGE@,
  error_handler: lambda do |method:, returning:, exception:|
    Rails.logger&.error("@KIND@ store: #{method} failed: #{exception.class}: #{exception.message}")
    next unless Rails.respond_to?(:error)

    Rails.error.report(exception, handled: true, severity: :warning, context: { store: "@KIND@", method: method.to_s })
  end
)
"""
#: Rails has made its default store by the time that initializers run, and hands it on only as controllers are loaded.
_CACHE = """\
Rails.application.config.cache_store = mainstay_cache
Rails.application.config.action_controller.cache_store = mainstay_cache
Rails.cache = mainstay_cache
Rails.application.config.middleware.insert_before(Rack::Runtime, mainstay_cache.middleware)
ActiveSupport.on_load(:action_controller) { self.cache_store = mainstay_cache if respond_to?(:cache_store=) }
"""
_SESSION = """\
Rails.application.config.session_store :cache_store,
                                       cache: mainstay_session,
                                       key: "_@APP@_session",
                                       expire_after: @AGE@
"""
#: Sidekiq reads this file before it loads the application, and with it what dotenv loads.
_SIDEKIQ = """\
:concurrency: <%= ENV.fetch("SIDEKIQ_CONCURRENCY", "@CONCURRENCY@") %>
"""
_SIDEKIQ_INITIALIZER = """\
mainstay_sidekiq = {
  url: ENV.fetch("@URL@"),
@TLS@  connect_timeout: Float(ENV.fetch("REDIS_@INSTANCE@_CONNECT_TIMEOUT")),
  read_timeout: Float(ENV.fetch("REDIS_@INSTANCE@_READ_TIMEOUT")),
  write_timeout: Float(ENV.fetch("REDIS_@INSTANCE@_WRITE_TIMEOUT")),
  pool_timeout: Float(ENV.fetch("REDIS_@INSTANCE@_POOL_TIMEOUT"))
}
# A Sidekiq process sizes its own pools by its concurrency; who only enqueues has one connection a thread.
Sidekiq.configure_server { |config| config.redis = mainstay_sidekiq }
Sidekiq.configure_client { |config| config.redis = mainstay_sidekiq.merge(size: Integer(ENV.fetch("REDIS_@INSTANCE@_POOL"))) }
"""


def rails_files(description: Description, consumer: Consumer) -> dict[str, str]:
    """Path below the application's folder -> content, of the Rails files that CONSUMER asks for."""
    found: dict[str, str] = {}
    for name in consumer.application.files:
        if name in PATHS:
            found[PATHS[name]] = _WRITERS[name](description, consumer)
        if name == "sidekiq":
            found[SIDEKIQ_INITIALIZER] = _fill(_SIDEKIQ_INITIALIZER, _words(description, consumer, name))
    return found


def _words(description: Description, consumer: Consumer, name: str) -> dict[str, str]:
    """What stands for the marks of the texts above; NAME is a file that is about an instance."""
    instance = consumer.application.instances[name].upper()
    return {
        "KIND": name,
        "APP": description.app,
        "ENVIRONMENT": description.environment,
        "INSTANCE": instance,
        "URL": f"REDIS_{instance}_URL",
        **_tls(description, consumer, consumer.application.instances[name]),
    }


def _tls(description: Description, consumer: Consumer, instance: str) -> dict[str, str]:
    """Ruby's clients take the files of certificates from their options, not from the URL; '' without TLS."""
    options = {"ca": "ca_file", "cert": "cert", "key": "key"}
    found = {
        options[part]: f'ENV.fetch("REDIS_{instance.upper()}_{part.upper()}_FILE")'
        for part in files_for(description, consumer, description.endpoints["instance", instance])
    }
    if not found:
        return {"TLS": "", "TLS_YAML": ""}
    ruby = ", ".join(f"{option}: {value}" for option, value in found.items())
    lines = "".join(f"    {option}: '<%= {value} %>'\n" for option, value in found.items())
    return {"TLS": f"  ssl_params: {{ {ruby} }},\n", "TLS_YAML": f"  ssl_params:\n{lines}"}


def _fill(text: str, words: Mapping[str, str]) -> str:
    for word, value in words.items():
        text = text.replace(f"@{word}@", value)
    return text


def _database(description: Description, consumer: Consumer) -> str:
    """The database of DATABASE_URL is Rails' primary; further ones are called as they are, and found in NAME_DATABASE_URL."""
    pool = "max_connections" if consumer.application.rails >= MAX_CONNECTIONS else "pool"
    text = _fill(_DATABASE, {"POOL": pool, "ENVIRONMENT": description.environment})
    variables = set(url_names(description, consumer).values())
    wanted = [item for item in map(description.credentials.__getitem__, consumer.credentials) if item.usual]
    targets = dict.fromkeys(item.target for item in wanted if item.kind == "postgres_role")
    rows = [(target, f"{target.upper()}_DATABASE_URL") for target in targets]
    rows = [row if row[1] in variables else (row[0], "DATABASE_URL") for row in rows]
    rows.sort(key=lambda row: row[1] != "DATABASE_URL")
    if len(rows) == 1:
        return text + _connection("  ", rows[0][1])
    for target, variable in rows:
        name = "primary" if variable == "DATABASE_URL" else target
        text += f"  {name}:\n" + _connection("    ", variable)
        text += f"    migrations_paths: db/{target}_migrate\n" if name != "primary" else ""
    return text


def _connection(indent: str, variable: str) -> str:
    return f"{indent}<<: *default\n{indent}url: '<%= ENV.fetch(\"{variable}\") %>'\n"


def _cable(description: Description, consumer: Consumer) -> str:
    return _fill(_CABLE, _words(description, consumer, "cable"))


def _store(description: Description, consumer: Consumer, name: str, age: int, after: str) -> str:
    size = 'Integer(ENV.fetch("REDIS_@INSTANCE@_POOL"))'
    timeout = 'Float(ENV.fetch("REDIS_@INSTANCE@_POOL_TIMEOUT"))'
    mapping = consumer.application.rails >= POOL_MAPPING
    pool = (
        f"pool: {{ size: {size}, timeout: {timeout} }}" if mapping else f"pool_size: {size},\n  pool_timeout: {timeout}"
    )
    words = {"POOL": pool, "AGE": str(age), **_words(description, consumer, name)}
    return _fill(_STORE + after, words)


def _cache(description: Description, consumer: Consumer) -> str:
    return _store(description, consumer, "cache", consumer.application.cache_age, _CACHE)


def _session(description: Description, consumer: Consumer) -> str:
    return _store(description, consumer, "session", consumer.application.session_age, _SESSION)


def _sidekiq(description: Description, consumer: Consumer) -> str:
    return _fill(_SIDEKIQ, {"CONCURRENCY": str(consumer.sidekiq_concurrency)})


_WRITERS: Mapping[str, Callable[[Description, Consumer], str]] = {
    "database": _database,
    "cable": _cable,
    "cache": _cache,
    "session": _session,
    "sidekiq": _sidekiq,
}
