//! A fleet under simulated time: many lanes, the product's own, against one quota.
//!
//! Prints one CSV line per number of environments and way of asking. Nothing sleeps; the seed is
//! fixed.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    num::NonZeroUsize,
    time::Duration,
};

use parameters_secrets_extension::{
    fetch::{
        demand::{Demand, LONGEST_FETCH},
        lane::{CallId, Ending, FetchId, LaneLimits, LaneState, Output},
        pool::MAX_QUEUED,
    },
    key::ParameterKey,
};

/// Parameter Store's default quota, and as many calls saved up.
///
/// Source: the quotas of AWS Systems Manager, "Get parameters", default throughput.
const CALLS_PER_SECOND: f64 = 40.0;

/// Parameters that each environment reads when it starts.
const NAMES: u64 = 5;

/// How long a call takes.
const ROUND_TRIP: Duration = Duration::from_millis(20);

const ENVIRONMENTS: [usize; 7] = [10, 50, 150, 500, 1_000, 3_000, 10_000];

fn main() {
    #![expect(clippy::print_stdout, reason = "its output is the figures")]
    println!("environments,batching,answered,slowest_s,calls,throttled");
    for environments in ENVIRONMENTS {
        for batches in [false, true] {
            let Fleet { answered, slowest, calls, throttled, .. } =
                Fleet::start(environments, batches).run();
            let share = answered as f64 / (environments as f64 * NAMES as f64);
            let slowest = slowest.as_secs_f64();
            println!("{environments},{batches},{share:.4},{slowest:.1},{calls},{throttled}");
        }
    }
}

struct Fleet {
    lanes: Vec<LaneState<ParameterKey>>,
    events: BinaryHeap<Reverse<(Duration, usize, Event)>>,
    open: HashMap<(usize, CallId), Vec<FetchId>>,
    quota: Quota,
    answered: usize,
    slowest: Duration,
    calls: usize,
    throttled: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Wake,
    Ends(CallId, bool),
}

impl Fleet {
    /// Every environment asks for its parameters at the same moment.
    fn start(environments: usize, batches: bool) -> Self {
        let limits = LaneLimits {
            permits: NonZeroUsize::new(3).unwrap_or(NonZeroUsize::MIN),
            max_queued: MAX_QUEUED,
            time_out: LONGEST_FETCH,
            batches,
        };
        let lane = |seed| {
            let mut lane = LaneState::new(limits, seed);
            for name in 0..NAMES {
                let key = ParameterKey {
                    name: format!("/app/{name}"),
                    selector: None,
                    with_decryption: false,
                };
                // A queue of a thousand has room for five.
                let _ = lane.fetch(FetchId(name), key, Demand::NewValueOnly, Duration::ZERO);
            }
            lane
        };
        let lanes: Vec<_> = (0..environments as u64).map(lane).collect();
        let wakes = (0..environments).map(|lane| Reverse((Duration::ZERO, lane, Event::Wake)));
        Self {
            events: wakes.collect(),
            lanes,
            open: HashMap::new(),
            quota: Quota { tokens: CALLS_PER_SECOND, at: Duration::ZERO },
            answered: 0,
            slowest: Duration::ZERO,
            calls: 0,
            throttled: 0,
        }
    }

    fn run(mut self) -> Self {
        while let Some(Reverse((now, lane, event))) = self.events.pop() {
            if let Event::Ends(call, is_throttled) = event {
                self.end(lane, call, is_throttled, now);
            }
            self.go_on(lane, now);
        }
        self
    }

    fn end(&mut self, lane: usize, call: CallId, is_throttled: bool, now: Duration) {
        let Some(fetches) = self.open.remove(&(lane, call)) else { return };
        let ending = if is_throttled {
            self.throttled += 1;
            Ending::Throttled { retry_after: None }
        } else {
            self.answered += fetches.len();
            self.slowest = self.slowest.max(now);
            Ending::Answered
        };
        let endings: Vec<_> = fetches.into_iter().map(|fetch| (fetch, ending)).collect();
        self.lanes[lane].ended(call, &endings, now);
    }

    fn go_on(&mut self, lane: usize, now: Duration) {
        while let Some(output) = self.lanes[lane].poll(now) {
            match output {
                Output::Call(call, fetches) => {
                    self.calls += 1;
                    let is_throttled = !self.quota.takes_one(now);
                    let ids = fetches.into_iter().map(|(id, _)| id).collect();
                    self.open.insert((lane, call), ids);
                    let ends = Event::Ends(call, is_throttled);
                    self.events.push(Reverse((now + ROUND_TRIP, lane, ends)));
                }
                Output::Cancel(call) => {
                    self.open.remove(&(lane, call));
                }
                Output::Fail(..) => {}
            }
        }
        if let Some(at) = self.lanes[lane].wake_at() {
            self.events.push(Reverse((at, lane, Event::Wake)));
        }
    }
}

/// A token bucket.
struct Quota {
    tokens: f64,
    at: Duration,
}

impl Quota {
    fn takes_one(&mut self, now: Duration) -> bool {
        let earned = (now - self.at).as_secs_f64() * CALLS_PER_SECOND;
        self.tokens = (self.tokens + earned).min(CALLS_PER_SECOND);
        self.at = now;
        let takes = self.tokens >= 1.0;
        if takes {
            self.tokens -= 1.0;
        }
        takes
    }
}
