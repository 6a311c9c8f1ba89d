-- Writes what wrk measured as one line of JSON. Runs nothing while requests run.
done = function(summary, latency)
   local errors = summary.errors
   io.write(string.format(
      '\n{"requests":%d,"seconds":%.6f,"median_us":%.1f,"p99_us":%.1f,"max_us":%.1f,"failed":%d}\n',
      summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(99), latency.max,
      errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
