# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# A Rails application of one file, in production. Usage: shop.rb set | shop.rb get COOKIES MESSAGE | shop.rb word
require "json"
require "logger"
require "action_controller/railtie"
require "rack/mock"

ENV["RAILS_ENV"] = "production"

class Shop < Rails::Application
  config.load_defaults 7.1
  config.eager_load = false
  config.logger = Logger.new(nil)
  config.session_store :cookie_store, key: "_shop", expire_after: 86_400
  routes.append { get "/set", to: "pages#set"; get "/get", to: "pages#get" }
end

class PagesController < ActionController::Base
  def set
    cookies.encrypted[:hidden] = "s3cret-cookie"
    cookies.signed[:signed] = "mine"
    session[:user] = "me"
    render plain: Rails.application.message_verifier("reset").generate("my link")
  end

  def get
    message = Rails.application.message_verifier("reset").verified(request.headers["X-Message"])
    render json: [cookies.encrypted[:hidden], cookies.signed[:signed], session[:user], message]
  end
end

Shop.initialize!
verb, cookies, message = ARGV
case verb
when "word" then print Rails.application.credentials.word
when "set"
  answer = Rack::MockRequest.new(Shop).get("/set", "HTTP_HOST" => "shop.test")
  made = Array(answer.headers["set-cookie"]).flat_map(&:lines).map { |line| line.split(";").first }.join("; ")
  puts JSON.generate([made, answer.body])
when "get"
  puts Rack::MockRequest.new(Shop).get("/get", "HTTP_HOST" => "shop.test", "HTTP_COOKIE" => cookies, "HTTP_X_MESSAGE" => message).body
end
