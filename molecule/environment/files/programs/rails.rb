# frozen_string_literal: true

# Boots the application and uses everything that it is configured for, for real. Prints what it found as JSON.
require "/srv/shop/config/environment"
require "json"
require "rack/mock"
require "rack/mock_request"

ARGV.first == "outage" && begin
  reports = []
  subscriber = Object.new
  subscriber.define_singleton_method(:report) { |error, **details| reports << [error.class.name, details[:context], details[:handled].to_s] }
  Rails.error.subscribe(subscriber)
  puts JSON.generate(read: Rails.cache.read("x"), written: Rails.cache.write("x", 1), reports:)
  exit
end

base = ActiveRecord::Base
stats = Class.new(base) { self.abstract_class = true; def self.name = "Stats" }
stats.establish_connection(:stats)
describe = lambda do |model|
  connection = model.connection
  { database: connection.select_value("SELECT current_database()"), user: connection.select_value("SELECT session_user"),
    statement_timeout: connection.select_value("SHOW statement_timeout"), pool: model.connection_pool.size,
    checkout: model.connection_pool.db_config.checkout_timeout, connect: model.connection_db_config.configuration_hash[:connect_timeout] }
end

Rails.cache.write("greeting", "hello")
cached = Rails.cache.read("greeting")

app = Rails.application
first = Rack::MockRequest.new(app).get("https://shop.example/basket/42")
cookie = first["set-cookie"].to_s.split(";").first
basket = Rack::MockRequest.new(app).get("https://shop.example/basket", "HTTP_COOKIE" => cookie).body

cable = ActionCable.server.pubsub
heard = Queue.new
ready = Queue.new
cable.subscribe("orders", ->(message) { heard << message }, -> { ready << true })
ready.pop(timeout: 60)
sleep 2.5 # longer than the read timeout: a subscription must outlive it
cable.broadcast("orders", "42 sold")
message = heard.pop(timeout: 60)
clients = Redis.new(url: ENV.fetch("REDIS_CABLE_URL")).then { |client| client.pubsub("channels") }

pool = Rails.cache.redis
ticket = Rack::Session::SessionId.new(cookie.split("=").last).private_id
ages = {
  cache: pool.with { |client| client.pttl("shop:production:cache:greeting") },
  session: Redis.new(url: ENV.fetch("REDIS_SESSION_URL")).pttl("shop:production:session:_session_id:#{ticket}")
}
puts JSON.generate(
  primary: describe.call(base), stats: describe.call(stats), basket:, cookie: first["set-cookie"].to_s,
  cache: { store: Rails.cache.class.name, read: cached, pool: pool.size, controllers: ActionController::Base.cache_store.equal?(Rails.cache),
           local: app.middleware.any? { |item| item.inspect.include?("LocalCache") } },
  ages:, cable: { adapter: cable.class.name, message:, channels: clients },
  sidekiq: { client_pool: Sidekiq.redis_pool.size, job: (CountJob.perform_async(41) if ARGV.first == "enqueue") }
)
