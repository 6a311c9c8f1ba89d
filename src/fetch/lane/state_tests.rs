use std::{
    collections::{HashMap, HashSet},
    num::NonZeroUsize,
};

use proptest::{prelude::*, sample::Index};

use super::*;
use crate::fetch::lane::FIRST_PAUSE;

const LIMITS: LaneLimits = LaneLimits {
    permits: NonZeroUsize::new(3).unwrap(),
    max_queued: 100,
    time_out: Duration::from_secs(30),
    batches: false,
};
const NOW: Duration = Duration::ZERO;
const SECOND: Duration = Duration::from_secs(1);
const THROTTLED: Ending = Ending::Throttled { retry_after: None };

/// A key of a test: what it is called, and whether it can share a call.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    name: String,
    shares: bool,
    with_decryption: bool,
}

impl Batchable for Key {
    fn group(&self) -> Option<Group<'_>> {
        let (with_decryption, name) = (self.with_decryption, self.name.as_str());
        self.shares.then_some(Group { with_decryption, name })
    }
}

fn key(name: u64) -> Key {
    Key { name: name.to_string(), shares: true, with_decryption: false }
}

struct Test {
    lane: LaneState<Key>,
    fetches: u64,
}

impl Test {
    fn new(limits: LaneLimits) -> Self {
        Self { lane: LaneState::new(limits, 7), fetches: 0 }
    }

    fn fetch(&mut self, demand: Demand) -> u64 {
        self.fetch_key(key(self.fetches), demand)
    }

    fn fetch_key(&mut self, key: Key, demand: Demand) -> u64 {
        let id = self.fetches;
        self.fetches += 1;
        self.lane.fetch(FetchId(id), key, demand, NOW).unwrap();
        id
    }

    /// The calls that leave now, each with the numbers of its fetches.
    fn calls(&mut self, now: Duration) -> Vec<(CallId, Vec<u64>)> {
        let (calls, rest) = self.poll(now);
        assert_eq!(rest, []);
        calls
    }

    /// The fetches that leave now.
    fn leave(&mut self, now: Duration) -> Vec<u64> {
        self.calls(now).into_iter().flat_map(|(_, fetches)| fetches).collect()
    }

    fn failed(&mut self, now: Duration) -> Vec<(u64, Why)> {
        let (_, rest) = self.poll(now);
        let failed = rest.into_iter().filter_map(|output| match output {
            Output::Fail(fetch, why) => Some((fetch.0, why)),
            _ => None,
        });
        failed.collect()
    }

    #[expect(clippy::type_complexity, reason = "calls, and what else there is to do")]
    fn poll(&mut self, now: Duration) -> (Vec<(CallId, Vec<u64>)>, Vec<Output<Key>>) {
        let (mut calls, mut rest) = (Vec::new(), Vec::new());
        while let Some(output) = self.lane.poll(now) {
            match output {
                Output::Call(call, fetches) => {
                    calls.push((call, fetches.iter().map(|(id, _)| id.0).collect()));
                }
                other => rest.push(other),
            }
        }
        (calls, rest)
    }

    fn ends(&mut self, call: &(CallId, Vec<u64>), ending: Ending, now: Duration) {
        let endings: Vec<_> = call.1.iter().map(|id| (FetchId(*id), ending)).collect();
        self.lane.ended(call.0, &endings, now);
    }
}

#[test]
fn what_callers_wait_for_goes_first_and_background_work_leaves_one_call_free() {
    let mut test = Test::new(LIMITS);
    for _ in 0..5 {
        test.fetch(Demand::Background);
    }
    assert_eq!(test.leave(NOW), [0, 1]);

    test.fetch(Demand::OldValueWillDo);
    test.fetch(Demand::NewValueOnly);
    assert_eq!(test.leave(NOW), [5]);
    let open: Vec<_> = test.lane.calls.keys().copied().collect();
    for call in open {
        test.lane.ended(call, &[], NOW);
    }
    let after = test.leave(NOW);
    assert_eq!(after[..2], [5, 6], "unanswered ones are asked again, in their order: {after:?}");
}

#[test]
fn a_lane_with_one_permit_does_background_work_too() {
    let mut test = Test::new(LaneLimits { permits: NonZeroUsize::MIN, ..LIMITS });
    test.fetch(Demand::Background);
    assert_eq!(test.leave(NOW), [0]);
}

#[test]
fn a_fetch_that_gets_a_waiter_is_promoted_to_where_it_would_have_stood() {
    let mut test = Test::new(LaneLimits { permits: NonZeroUsize::MIN, ..LIMITS });
    let first = test.fetch(Demand::NewValueOnly);
    let promoted = test.fetch(Demand::Background);
    let later = test.fetch(Demand::NewValueOnly);
    test.lane.promote(&key(promoted), Demand::OldValueWillDo, NOW);

    let mut order = Vec::new();
    for _ in 0..3 {
        let calls = test.calls(NOW);
        order.extend(calls[0].1.clone());
        test.ends(&calls[0], Ending::Answered, NOW);
    }
    assert_eq!(order, [first, promoted, later]);
}

#[test]
fn a_full_queue_gives_the_place_of_background_work_to_a_waiting_caller() {
    let limits = LaneLimits { permits: NonZeroUsize::MIN, max_queued: 1, ..LIMITS };
    let mut test = Test::new(limits);
    test.fetch(Demand::NewValueOnly);
    test.leave(NOW);
    let background = test.fetch(Demand::Background);
    let waiting = test.fetch(Demand::NewValueOnly);

    assert_eq!(test.failed(NOW), [(background, Why::Displaced)]);
    assert_eq!(test.lane.fetch(FetchId(9), key(9), Demand::NewValueOnly, NOW), Err(Full));
    assert_eq!(test.lane.queue.keys().map(|place| place.fetch.0).collect::<Vec<_>>(), [waiting]);
}

#[test]
fn a_throttled_fetch_is_back_at_the_head_and_goes_alone_after_a_pause() {
    let mut test = Test::new(LIMITS);
    for _ in 0..5 {
        test.fetch(Demand::NewValueOnly);
    }
    let calls = test.calls(NOW);
    for call in &calls {
        test.ends(call, THROTTLED, NOW);
    }
    assert_eq!((test.lane.window(), test.leave(NOW)), (1, vec![]));

    let pause = test.lane.pause(NOW);
    assert!(pause >= FIRST_PAUSE / 2 && pause <= FIRST_PAUSE * 3 / 2, "once for three: {pause:?}");
    assert_eq!(test.lane.wake_at(), Some(pause));
    let calls = test.calls(pause);
    assert_eq!(calls.iter().map(|call| &call.1).collect::<Vec<_>>(), [&[0]]);

    test.ends(&calls[0], Ending::Answered, pause);
    assert_eq!((test.lane.window(), test.leave(pause)), (2, vec![1, 2]));
}

#[test]
fn pauses_double_up_to_the_longest_and_retry_after_is_honoured() {
    let mut test = Test::new(LaneLimits { time_out: SECOND * 1_000, ..LIMITS });
    test.fetch(Demand::NewValueOnly);
    let mut now = NOW;
    for expected in [200, 400, 800, 1_600, 3_200, 5_000, 5_000].map(Duration::from_millis) {
        let call = test.calls(now).remove(0);
        test.ends(&call, THROTTLED, now);
        let pause = test.lane.pause(now);
        assert!(pause >= expected / 2 && pause <= expected * 3 / 2, "{pause:?} for {expected:?}");
        now += pause;
    }
    let call = test.calls(now).remove(0);
    test.ends(&call, Ending::Throttled { retry_after: Some(SECOND * 20) }, now);
    assert_eq!(test.lane.pause(now), SECOND * 20);
}

#[test]
fn a_freeze_ends_a_pause() {
    let mut test = Test::new(LIMITS);
    test.fetch(Demand::NewValueOnly);
    let call = test.calls(NOW).remove(0);
    test.ends(&call, THROTTLED, NOW);
    test.lane.thawed();
    assert_eq!(test.leave(NOW), [0]);
}

#[test]
fn a_throttled_fetch_ends_at_once_where_an_old_value_will_do() {
    let mut test = Test::new(LIMITS);
    let background = test.fetch(Demand::Background);
    let has_an_old_value = test.fetch(Demand::OldValueWillDo);
    for call in test.calls(NOW) {
        test.ends(&call, THROTTLED, NOW);
    }
    let mut failed = test.failed(NOW);
    failed.sort_by_key(|(fetch, _)| *fetch);
    assert_eq!(failed, [background, has_an_old_value].map(|fetch| (fetch, Why::OldValueWillDo)));
}

#[test]
fn in_a_pause_no_fetch_waits_for_which_an_old_value_will_do() {
    let mut test = Test::new(LaneLimits { permits: NonZeroUsize::MIN, ..LIMITS });
    let throttled = test.fetch(Demand::NewValueOnly);
    let call = test.calls(NOW).remove(0);
    let queued = test.fetch(Demand::OldValueWillDo);
    let background = test.fetch(Demand::Background);
    test.ends(&call, THROTTLED, NOW);
    assert_eq!(test.failed(NOW), [(queued, Why::OldValueWillDo)]);

    let arrived = test.fetch(Demand::OldValueWillDo);
    assert_eq!(test.failed(NOW), [(arrived, Why::OldValueWillDo)]);
    test.lane.promote(&key(background), Demand::OldValueWillDo, NOW);
    assert_eq!(test.failed(NOW), [(background, Why::OldValueWillDo)]);

    let pause = test.lane.pause(NOW);
    assert_eq!(test.leave(pause), [throttled]);
    test.fetch(Demand::OldValueWillDo);
    assert_eq!(test.failed(pause), [], "the service may answer now");
}

#[test]
fn what_need_not_wait_takes_no_place_in_a_full_queue() {
    let limits = LaneLimits { permits: NonZeroUsize::MIN, max_queued: 2, ..LIMITS };
    let mut test = Test::new(limits);
    test.fetch(Demand::NewValueOnly);
    let call = test.calls(NOW).remove(0);
    test.ends(&call, THROTTLED, NOW);
    test.fetch(Demand::Background);

    let arrived = test.fetch(Demand::OldValueWillDo);
    assert_eq!(test.failed(NOW), [(arrived, Why::OldValueWillDo)]);
}

#[test]
fn a_fetch_ends_with_its_own_time_out_wherever_it_is() {
    let mut test = Test::new(LaneLimits { permits: NonZeroUsize::MIN, ..LIMITS });
    let throttled = test.fetch(Demand::NewValueOnly);
    let call = test.calls(NOW).remove(0);
    test.ends(&call, THROTTLED, NOW);
    let queued = test.fetch(Demand::NewValueOnly);
    assert_eq!(
        test.failed(LIMITS.time_out),
        [(throttled, Why::Throttled), (queued, Why::Throttled)],
        "it waited behind what was throttled"
    );

    let mut test = Test::new(LaneLimits { permits: NonZeroUsize::MIN, ..LIMITS });
    test.fetch(Demand::NewValueOnly);
    test.leave(NOW);
    let queued = test.fetch(Demand::NewValueOnly);
    assert!(test.failed(LIMITS.time_out).contains(&(queued, Why::Queued)));

    let mut test = Test::new(LIMITS);
    let called = test.fetch(Demand::NewValueOnly);
    let (call, _) = test.calls(NOW).remove(0);
    assert_eq!(test.lane.wake_at(), Some(LIMITS.time_out));
    let (_, outputs) = test.poll(LIMITS.time_out);
    let failed = Output::Fail(FetchId(called), Why::NoAnswer);
    assert_eq!(outputs, [failed, Output::Cancel(call)]);
    assert_eq!((test.lane.open_calls(), test.lane.wake_at()), (0, None));
}

#[test]
fn a_lane_says_how_many_calls_are_open_and_whether_the_service_throttles() {
    let mut test = Test::new(LIMITS);
    test.fetch(Demand::NewValueOnly);
    test.fetch(Demand::NewValueOnly);
    let calls = test.calls(NOW);
    assert_eq!((test.lane.open_calls(), test.lane.permits(), test.lane.is_scarce()), (2, 3, false));
    test.ends(&calls[0], THROTTLED, NOW);
    assert_eq!((test.lane.open_calls(), test.lane.window(), test.lane.is_scarce()), (1, 1, true));
}

#[test]
fn what_can_leave_at_once_needs_no_place_in_the_queue() {
    let limits = LaneLimits { permits: NonZeroUsize::MIN, max_queued: 0, ..LIMITS };
    let mut test = Test::new(limits);
    test.fetch(Demand::NewValueOnly);
    test.leave(NOW);
    assert_eq!(test.lane.fetch(FetchId(9), key(9), Demand::NewValueOnly, NOW), Err(Full));

    let mut test = Test::new(LaneLimits { max_queued: 1, ..LIMITS });
    test.fetch(Demand::NewValueOnly);
    let second = test.lane.fetch(FetchId(9), key(9), Demand::NewValueOnly, NOW);
    assert_eq!(second, Err(Full), "it would not be the next one to leave");
}

#[test]
fn the_end_of_a_pause_wakes_no_lane_whose_calls_are_all_open() {
    let mut test = Test::new(LIMITS);
    test.fetch(Demand::NewValueOnly);
    test.fetch(Demand::NewValueOnly);
    let calls = test.calls(NOW);
    test.ends(&calls[0], THROTTLED, NOW);
    assert_eq!(test.lane.wake_at(), Some(LIMITS.time_out), "one call may be open, and one is");
    test.ends(&calls[1], Ending::Failed, NOW);
    assert_eq!(test.lane.wake_at(), Some(test.lane.pause(NOW)));
}

fn batching() -> LaneLimits {
    LaneLimits { batches: true, ..LIMITS }
}

#[test]
fn what_queues_leaves_together_ten_at_a_time() {
    let mut test = Test::new(LaneLimits { permits: NonZeroUsize::MIN, ..batching() });
    for _ in 0..12 {
        test.fetch(Demand::NewValueOnly);
    }
    let call = test.calls(NOW).remove(0);
    assert_eq!(call.1, (0..10).collect::<Vec<_>>());
    test.ends(&call, Ending::Answered, NOW);
    assert_eq!(test.leave(NOW), [10, 11]);
}

#[test]
fn a_batch_has_one_flag_for_decryption_and_no_name_twice() {
    let mut test = Test::new(LaneLimits { permits: NonZeroUsize::MIN, ..batching() });
    let of =
        |name: &str, shares, with_decryption| Key { name: name.into(), shares, with_decryption };
    let keys =
        [of("a", true, false), of("b", true, true), of("a", true, false), of("c", false, false)];
    for key in keys {
        test.fetch_key(key, Demand::NewValueOnly);
    }
    let last = test.fetch_key(of("d", true, false), Demand::NewValueOnly);
    assert_eq!(test.leave(NOW), [0, last]);
}

#[test]
fn what_a_batch_does_not_answer_is_asked_for_alone() {
    let mut test = Test::new(LaneLimits { permits: NonZeroUsize::MIN, ..batching() });
    for _ in 0..3 {
        test.fetch(Demand::NewValueOnly);
    }
    let call = test.calls(NOW).remove(0);
    let endings = [(FetchId(0), Ending::Answered), (FetchId(1), Ending::Unanswered)];
    test.lane.ended(call.0, &endings, NOW);
    for alone in [1, 2] {
        let call = test.calls(NOW).remove(0);
        assert_eq!(call.1, [alone]);
        test.ends(&call, Ending::Answered, NOW);
    }
}

#[test]
fn a_batch_that_is_refused_is_split_and_not_tried_again_for_a_while() {
    let mut test = Test::new(batching());
    test.fetch(Demand::NewValueOnly);
    test.fetch(Demand::NewValueOnly);
    let call = test.calls(NOW).remove(0);
    test.ends(&call, Ending::BatchRefused, NOW);
    let calls = test.calls(NOW);
    assert_eq!(calls.iter().map(|call| &call.1[..]).collect::<Vec<_>>(), [[0], [1]]);
    assert!(!test.lane.batches(NOW) && test.lane.batches(SINGLY_FOR));
}

/// What can happen to a lane.
#[derive(Clone, Debug)]
enum Step {
    Fetch(u8, Demand),
    Promote(Index, Demand),
    End(Index, Ending),
    Pass(Duration),
    Thaw,
}

fn demand() -> impl Strategy<Value = Demand> {
    prop_oneof![Just(Demand::Background), Just(Demand::OldValueWillDo), Just(Demand::NewValueOnly)]
}

fn step() -> impl Strategy<Value = Step> {
    let ending = prop_oneof![
        4 => Just(Ending::Answered),
        1 => Just(Ending::Failed),
        2 => (0..3_u64).prop_map(|seconds| Ending::Throttled {
            retry_after: (seconds > 0).then(|| Duration::from_secs(seconds))
        }),
        1 => Just(Ending::Unanswered),
        1 => Just(Ending::BatchRefused),
    ];
    prop_oneof![
        6 => (any::<u8>(), demand()).prop_map(|(key, demand)| Step::Fetch(key, demand)),
        1 => (any::<Index>(), demand()).prop_map(|(fetch, demand)| Step::Promote(fetch, demand)),
        6 => (any::<Index>(), ending).prop_map(|(call, ending)| Step::End(call, ending)),
        3 => (0..8_000_u64).prop_map(|millis| Step::Pass(Duration::from_millis(millis))),
        1 => Just(Step::Thaw),
    ]
}

/// What the lane must have promised so far, kept in the plainest way.
#[derive(Default)]
struct Reference {
    /// When each fetch that has no end yet arrived, and what depends on it.
    open: HashMap<u64, (Duration, Demand, Key)>,
    /// The fetches of each open call.
    calls: HashMap<CallId, Vec<u64>>,
    over: HashSet<u64>,
}

impl Reference {
    fn in_a_call(&self, fetch: u64) -> bool {
        self.calls.values().flatten().any(|other| *other == fetch)
    }

    fn ends(&mut self, fetch: u64) {
        assert!(self.open.remove(&fetch).is_some(), "ends once: {fetch}");
        assert!(self.over.insert(fetch));
    }

    /// Carries out what the lane wants, and checks it.
    fn obey(&mut self, lane: &mut LaneState<Key>, limits: &LaneLimits, now: Duration) {
        while let Some(output) = lane.poll(now) {
            match output {
                Output::Call(call, fetches) => {
                    assert!(now >= lane.scarcity.resumes_at(), "no call in a pause");
                    assert!(fetches.len() == 1 || limits.batches);
                    assert!(fetches.len() <= LARGEST_BATCH);
                    let ids: Vec<_> = fetches.iter().map(|(id, _)| id.0).collect();
                    self.check_order(&ids);
                    let names: HashSet<_> = fetches.iter().map(|(_, key)| &key.name).collect();
                    assert_eq!(names.len(), fetches.len(), "no name twice");
                    self.calls.insert(call, ids);
                    assert!(self.calls.len() <= lane.window().max(1), "within the window");
                }
                Output::Fail(fetch, why) => {
                    let (arrived, demand, _) = self.open[&fetch.0];
                    match why {
                        Why::Queued | Why::Throttled | Why::NoAnswer => {
                            assert!(now >= arrived + limits.time_out, "{why:?}");
                        }
                        Why::OldValueWillDo => {
                            assert!(demand < Demand::NewValueOnly && lane.is_scarce());
                        }
                        Why::Displaced => assert!(!demand.waits()),
                    }
                    self.ends(fetch.0);
                }
                Output::Cancel(call) => {
                    let fetches = self.calls.remove(&call).unwrap();
                    assert!(fetches.iter().all(|fetch| self.over.contains(fetch)));
                }
            }
        }
        if !lane.pause(now).is_zero() {
            let queued = self.open.iter().filter(|(fetch, _)| !self.in_a_call(**fetch));
            for (fetch, (_, demand, _)) in queued {
                assert_ne!(*demand, Demand::OldValueWillDo, "{fetch} waits in a pause");
            }
        }
        assert!(lane.open_calls() <= limits.permits.get());
        assert!(self.open.values().all(|(arrived, ..)| now < *arrived + limits.time_out));
    }

    /// The first fetch of a call is the first of its kind, and passes nothing that a caller waits
    /// for.
    fn check_order(&self, ids: &[u64]) {
        let waits = |fetch: u64| self.open[&fetch].1.waits();
        let queued: Vec<_> = self.open.keys().filter(|fetch| !self.in_a_call(**fetch)).collect();
        let passed = queued.into_iter().filter(|other| !ids.contains(other));
        for other in passed.filter(|other| waits(**other) || !waits(ids[0])) {
            assert!(*other > ids[0] || waits(ids[0]) && !waits(*other), "{other} before {ids:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 256, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_happens_order_window_and_time_outs_hold_and_every_fetch_ends_once(
        permits in 1_usize..4,
        max_queued in 1_usize..30,
        batches: bool,
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let permits = NonZeroUsize::new(permits).unwrap();
        let limits = LaneLimits { permits, max_queued, batches, ..LIMITS };
        let mut lane = LaneState::new(limits, 7);
        let (mut reference, mut now, mut next) = (Reference::default(), NOW, 0);
        for step in steps {
            match step {
                Step::Fetch(name, demand) => {
                    let key = Key {
                        name: (name % 32).to_string(),
                        shares: name < 192,
                        with_decryption: name % 2 == 0,
                    };
                    let places = reference.open.len() - lane.queued();
                    if lane.fetch(FetchId(next), key.clone(), demand, now).is_ok() {
                        reference.open.insert(next, (now, demand, key));
                    } else {
                        assert!(lane.queued() >= max_queued, "{places} are in calls");
                    }
                    next += 1;
                }
                Step::Promote(index, demand) if !reference.open.is_empty() => {
                    let mut open: Vec<_> = reference.open.keys().copied().collect();
                    open.sort_unstable();
                    let key = reference.open[index.get(&open)].2.clone();
                    lane.promote(&key, demand, now);
                    for (_, other, same) in reference.open.values_mut() {
                        if *same == key {
                            *other = (*other).max(demand);
                        }
                    }
                }
                Step::End(index, ending) if !reference.calls.is_empty() => {
                    let mut calls: Vec<_> = reference.calls.keys().copied().collect();
                    calls.sort_unstable();
                    let call = *index.get(&calls);
                    let fetches = reference.calls.remove(&call).unwrap();
                    let endings: Vec<_> =
                        fetches.iter().map(|fetch| (FetchId(*fetch), ending)).collect();
                    lane.ended(call, &endings, now);
                    if matches!(ending, Ending::Answered | Ending::Failed) {
                        for fetch in fetches {
                            if !reference.over.contains(&fetch) {
                                reference.ends(fetch);
                            }
                        }
                    }
                }
                Step::Pass(duration) => now += duration,
                Step::Thaw => lane.thawed(),
                Step::Promote(..) | Step::End(..) => {}
            }
            reference.obey(&mut lane, &limits, now);
            if let Some(wake_at) = lane.wake_at() {
                assert!(wake_at > now, "it would wake for ever");
            }
        }
        now += limits.time_out;
        reference.obey(&mut lane, &limits, now);
        prop_assert!(reference.open.is_empty() && reference.calls.is_empty());
    }
}
