-- One request on each connection, all at once, then silence: wrk ... -s burst.lua URL -- CALLERS same|distinct
-- Says `answered` when the last answer is there; wrk is to be interrupted then, and writes what it measured.
local callers, distinct, asked, sent, answered, refused = 0, false, 0, 0, 0, 0

init = function(arguments)
   callers, distinct = tonumber(arguments[1]), arguments[2] == "distinct"
end

-- Asked for before every request: the first of each connection goes at once, a second never.
delay = function()
   asked = asked + 1
   return asked <= callers and 0 or 3600000
end

request = function()
   sent = sent + 1
   return wrk.format("GET", distinct and wrk.path .. "-" .. sent or wrk.path)
end

response = function(status)
   answered = answered + 1
   if status ~= 200 then refused = refused + 1 end
   if answered == callers then
      io.write("answered " .. refused .. "\n")
      io.flush()
   end
end

done = function(summary, latency)
   local errors = summary.errors
   io.write(string.format(
      '\n{"requests":%d,"median_us":%.1f,"p99_us":%.1f,"max_us":%.1f,"failed":%d}\n',
      summary.requests, latency:percentile(50), latency:percentile(99), latency.max,
      errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
