//! One call of a lane, and what it says about each of its fetches.
//!
//! A call is made again after each freeze that its connection did not outlive; its lane sees only
//! the end.

use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use tokio::select;

use crate::{
    fetch::{
        error::{FetchError, UpstreamErrorKind},
        lane::decision::{Ending, FetchId},
        upstream::{BatchAnswer, Upstream},
    },
    freeze::{FreezeWatch, Generation},
    secret::SecretValue,
};

/// How long a call from before a freeze may still bring its answer, before it is made again: an
/// answer that lies in the socket needs milliseconds, even with little CPU.
const ANSWER_AT_HAND: Duration = Duration::from_millis(50);

/// The fetches of a call, with their keys.
pub(super) type Asked<K> = Vec<(FetchId, K)>;

/// How a call ended, for each fetch.
pub(super) type Answers = Vec<(FetchId, Answer)>;

/// What a call says about one fetch.
pub(super) enum Answer {
    Value(SecretValue),
    Error(FetchError),
    /// Nothing: the fetch is asked for alone.
    Nothing,
    /// The batch was refused as a whole, with this code.
    BatchRefused(String),
}

/// Asks the upstream, and once more after each freeze that the call did not outlive; `again` is
/// called before each further call.
pub(super) async fn ask<K: Clone + 'static>(
    upstream: &dyn Upstream<K>,
    freezes: &FreezeWatch,
    asked: &Asked<K>,
    again: impl Fn(),
) -> Answers {
    loop {
        let generation = freezes.generation();
        let mut call = call(upstream, asked);
        let answers = select! {
            biased;
            answers = &mut call => Some(answers),
            () = freezes.frozen_since(generation) => {
                freezes.timeout(ANSWER_AT_HAND, &mut call).await
            }
        };
        match answers.filter(|answers| !was_cut_by_a_freeze(answers, freezes, generation)) {
            Some(answers) => return answers,
            None => again(),
        }
    }
}

fn call<K: Clone + 'static>(
    upstream: &dyn Upstream<K>,
    asked: &Asked<K>,
) -> LocalBoxFuture<'static, Answers> {
    if let [(id, key)] = &asked[..] {
        let (id, call) = (*id, upstream.fetch(key.clone()));
        return Box::pin(async move {
            let answer = call.await.map_or_else(Answer::Error, Answer::Value);
            vec![(id, answer)]
        });
    }
    let (ids, keys): (Vec<_>, Vec<_>) = asked.iter().cloned().unzip();
    let call = upstream.fetch_together(keys);
    Box::pin(async move { for_each_fetch(&ids, call.await) })
}

/// Whether a call failed only because its connection did not outlive a freeze.
fn was_cut_by_a_freeze(answers: &Answers, freezes: &FreezeWatch, generation: Generation) -> bool {
    let is_cut =
        |answer: &Answer| matches!(answer, Answer::Error(error) if error.is_without_an_answer());
    freezes.look();
    freezes.generation() > generation && answers.iter().all(|(_, answer)| is_cut(answer))
}

impl Answer {
    pub(super) fn ending(&self) -> Ending {
        match self {
            Self::Value(_) => Ending::Answered,
            Self::Error(FetchError::Upstream { kind, .. }) => match kind {
                UpstreamErrorKind::Throttling { retry_after } => {
                    Ending::Throttled { retry_after: *retry_after }
                }
                UpstreamErrorKind::Refusal => Ending::Answered,
                UpstreamErrorKind::Passing => Ending::Failed,
            },
            Self::Error(_) => Ending::Failed,
            Self::Nothing => Ending::Unanswered,
            Self::BatchRefused(_) => Ending::BatchRefused,
        }
    }
}

/// What a batch's answer says about each of its fetches, in their order.
fn for_each_fetch(ids: &[FetchId], answer: BatchAnswer) -> Answers {
    match answer {
        Ok(values) => {
            let values = values.into_iter().chain(std::iter::repeat_with(|| None));
            let answers = values.map(|value| value.map_or(Answer::Nothing, Answer::Value));
            ids.iter().copied().zip(answers).collect()
        }
        Err(error) if error.is_refusal() => {
            let refused = || Answer::BatchRefused(error.code().to_owned());
            ids.iter().map(|id| (*id, refused())).collect()
        }
        Err(error) => ids.iter().map(|id| (*id, Answer::Error(error.clone()))).collect(),
    }
}
