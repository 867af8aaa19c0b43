# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# Rails' credentials with Rails' own class. Usage: credentials.rb read|text|write|edit FILE KEY_FILE [OLD NEW]
require "json"
require "logger"
require "active_support"
require "active_support/core_ext"
require "active_support/encrypted_configuration"

verb, path, key_path, old, new = ARGV
if verb == "write" && !File.exist?(key_path)
  File.write(key_path, ActiveSupport::EncryptedFile.generate_key, perm: 0o600)
end
file = ActiveSupport::EncryptedConfiguration.new(
  config_path: path, key_path: key_path, env_key: "RAILS_MASTER_KEY", raise_if_missing_key: true
)

case verb
when "read" then puts JSON.generate(file.config)
when "text" then print file.read
when "write" then file.write(STDIN.read)
when "edit"
  file.change do |temporary|
    text = temporary.binread
    abort "nothing to replace" unless text.include?(old.b)
    temporary.binwrite(text.sub(old.b) { new.b })
  end
end
