# frozen_string_literal: true

class BasketsController < ActionController::Base
  def put
    session[:basket] = params[:item]
    head :no_content
  end

  def show
    render plain: session[:basket].to_s
  end
end
