# Ruby's Net::HTTP: a new connection for each request, and a kept one.
require "json"
require "net/http"

HEADERS = { "X-Aws-Parameters-Secrets-Token" => ENV.fetch("AWS_SESSION_TOKEN") }.freeze

# The fourth argument is the proxy: without one the token does not leave this machine.
def connection = Net::HTTP.new("localhost", ENV.fetch("PORT").to_i, nil)

def get(http, name) = http.get("/secretsmanager/get?secretId=#{name}", HEADERS)

def read(http)
  response = get(http, "example/plain")
  raise response.body unless response.code == "200" && JSON.parse(response.body)["SecretString"] == "not-a-secret"
end

Array.new(64) { Thread.new { read(connection) } }.each(&:join)
connection.start do |kept|
  read(kept)
  read(kept)
  failed = get(kept, "missing")
  unless failed.code == "400" && failed.body.start_with?("an unexpected error occurred while executing request")
    raise failed.body
  end
  200.times { read(kept) }
end
