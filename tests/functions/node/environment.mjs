// Returns what its environment held when the module was loaded, for the names that the event has.

const atTheStart = { ...process.env };

export async function handler(event) {
  return { environment: Object.fromEntries(event.names.map((name) => [name, atTheStart[name] ?? null])) };
}
