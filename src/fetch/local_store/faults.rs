//! How the store misbehaves when its file says so: slow, failing, throttled.
//!
//! The whole file may have `delay_ms`, `fail` and `throttle`, and so may an entry, whose own come
//! first. What was counted is forgotten when the file is edited.

use std::{
    fmt,
    num::NonZeroU32,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};

use crate::{
    clock::Moment,
    fetch::{aws::kind_of, error::FetchError},
};

/// What `throttle` counts calls in.
const WINDOW: Duration = Duration::from_secs(1);

/// What an entry, or the file, was told.
#[derive(Default)]
pub(super) struct Faults {
    pub(super) delay: Option<Delay>,
    pub(super) fail: Option<Fail>,
    pub(super) throttle: Option<Throttle>,
}

/// `delay_ms`: how long each call takes.
#[derive(Clone, Copy, Deserialize)]
pub(super) struct Delay(u64);

/// `fail`: the error that calls end with, the first so many or all.
pub(super) struct Fail {
    code: String,
    left: Option<Mutex<u32>>,
}

/// `throttle`: how many calls a second are answered; the others fail at once.
pub(super) struct Throttle {
    limit: u32,
    window: Mutex<Option<(Moment, u32)>>,
}

/// How one call is to go.
pub(super) struct Fate {
    /// How long it takes.
    pub(super) delay: Duration,
    /// What it ends with, unless it is answered.
    pub(super) failure: Option<FetchError>,
}

impl Faults {
    /// Decides about a call that begins now, by these and, where they say nothing, by the `file`'s.
    pub(super) fn fate(&self, file: &Self, now: Moment) -> Fate {
        let throttle = self.throttle.as_ref().or(file.throttle.as_ref());
        if let Some(throttle) = throttle
            && !throttle.admits(now)
        {
            let failure =
                failure("ThrottlingException", "Rate exceeded (`throttle` in the local store)");
            return Fate { delay: Duration::ZERO, failure: Some(failure) };
        }
        let delay =
            self.delay.or(file.delay).map_or(Duration::ZERO, |Delay(ms)| Duration::from_millis(ms));
        let fail = self.fail.as_ref().or(file.fail.as_ref()).filter(|fail| fail.takes_one());
        let failure = fail.map(|fail| failure(&fail.code, "`fail` in the local store says so"));
        Fate { delay, failure }
    }
}

/// The error that AWS would answer with this code.
pub(super) fn failure(code: &str, message: impl Into<String>) -> FetchError {
    FetchError::Upstream { code: code.to_owned(), message: message.into(), kind: kind_of(code) }
}

impl Fail {
    /// Whether a further call is to fail.
    fn takes_one(&self) -> bool {
        let Some(left) = &self.left else { return true };
        let mut left = left.lock().unwrap_or_else(PoisonError::into_inner);
        let takes_one = *left > 0;
        *left = left.saturating_sub(1);
        takes_one
    }
}

impl Throttle {
    fn admits(&self, now: Moment) -> bool {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let (begun, admitted) = window
            .filter(|(begun, _)| now.age_since(*begun).is_some_and(|age| age < WINDOW))
            .unwrap_or((now, 0));
        *window = Some((begun, admitted.saturating_add(1).min(self.limit)));
        admitted < self.limit
    }
}

impl<'de> Deserialize<'de> for Throttle {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u32::deserialize(deserializer).map(|limit| Self { limit, window: Mutex::new(None) })
    }
}

/// A code, or an object. By hand, because serde's untagged enums lose the place of an error.
impl<'de> Deserialize<'de> for Fail {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CodeOrObject;

        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct FailObject {
            code: Code,
            times: Option<NonZeroU32>,
        }

        impl<'de> Visitor<'de> for CodeOrObject {
            type Value = Fail;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an error code, or an object with `code` and `times`")
            }

            fn visit_str<E: Error>(self, code: &str) -> Result<Fail, E> {
                Code::new(code).map(|Code(code)| Fail { code, left: None })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Fail, A::Error> {
                let FailObject { code: Code(code), times } =
                    FailObject::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Fail { code, left: times.map(|times| Mutex::new(times.get())) })
            }
        }

        deserializer.deserialize_any(CodeOrObject)
    }
}

/// One word: it becomes a header's value.
struct Code(String);

impl Code {
    fn new<E: Error>(code: &str) -> Result<Self, E> {
        let is_word = !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let problem = "an error code is one word, such as ThrottlingException";
        is_word.then(|| Self(code.to_owned())).ok_or_else(|| E::custom(problem))
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&String::deserialize(deserializer)?)
    }
}

#[cfg(test)]
#[path = "faults_tests.rs"]
mod tests;
