# frozen_string_literal: true

require "dotenv"
# as dotenv-rails reads them in production: what is set already wins, then the first file that sets it
Dotenv.load(File.expand_path("../.env.production", __dir__), File.expand_path("../.env", __dir__))
require "rails"
require "active_record/railtie"
require "action_controller/railtie"
require "action_cable/engine"
require "sidekiq"

module Shop
  class Application < Rails::Application
    config.load_defaults 7.2
    config.eager_load = false
    config.logger = Logger.new($stderr, level: :warn)
    config.hosts.clear
    config.action_dispatch.show_exceptions = :none
  end
end
