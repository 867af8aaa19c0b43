# frozen_string_literal: true

Rails.application.routes.draw do
  get "basket/:item", to: "baskets#put"
  get "basket", to: "baskets#show"
end
