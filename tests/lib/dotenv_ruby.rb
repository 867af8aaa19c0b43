# Answers on stdout, one line of JSON for each line of JSON on stdin: {"path", "data"} -> {"ok", "vars"}. Runs no command: a mark takes its place.
require "dotenv"
require "json"
require "base64"

Dotenv::Substitutions::Command.define_singleton_method(:`) { |_command| "\u0001" }
STDOUT.sync = true
STDOUT.puts JSON.generate({ "version" => Gem.loaded_specs["dotenv"].version.to_s })
path = "/tmp/mainstay-fuzz.env"
STDIN.each_line do |line|
  File.binwrite(path, Base64.strict_decode64(JSON.parse(line)["data"]))
  begin
    found = Dotenv.parse(path)
    answer = { "ok" => true, "vars" => found.to_h { |key, value| [key, Base64.strict_encode64(value)] } }
  rescue Dotenv::FormatError, ArgumentError => error
    answer = { "ok" => false, "error" => error.class.name }
  end
  STDOUT.puts JSON.generate(answer)
end
