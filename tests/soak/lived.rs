//! What environments have lived through.

use std::{fmt, time::Duration};

/// What an environment has lived through.
#[derive(Clone, Debug, Default)]
pub struct Lived {
    pub time: Duration,
    pub requests: u64,
    pub old_values: u64,
    pub errors: u64,
    pub hung_up: u64,
    pub calls: u64,
    pub freezes: u64,
    pub troubles: u64,
    pub restores: u64,
    pub rotations: u64,
    /// The bytes that were held, at the least and at the most.
    held: Option<(i64, i64)>,
}

impl Lived {
    pub fn add(&mut self, other: &Self) {
        self.time += other.time;
        self.requests += other.requests;
        self.old_values += other.old_values;
        self.errors += other.errors;
        self.hung_up += other.hung_up;
        self.calls += other.calls;
        self.freezes += other.freezes;
        self.troubles += other.troubles;
        self.restores += other.restores;
        self.rotations += other.rotations;
        self.hold(other.held);
    }

    pub fn hold(&mut self, bytes: Option<(i64, i64)>) {
        self.held = match (self.held, bytes) {
            (Some((least, most)), Some((less, more))) => Some((least.min(less), most.max(more))),
            (held, bytes) => held.or(bytes),
        };
    }
}

impl fmt::Display for Lived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = self.time.as_secs_f64() / 86_400.0;
        let (least, most) = self.held.unwrap_or_default();
        write!(
            f,
            "{days:.1} days: {} requests ({} answered with an old value, {} with an error, {} hung up), \
             {} calls, {} freezes, {} troubles, {} rotations, {} restores, {least} to {most} bytes held",
            self.requests,
            self.old_values,
            self.errors,
            self.hung_up,
            self.calls,
            self.freezes,
            self.troubles,
            self.rotations,
            self.restores,
        )
    }
}
