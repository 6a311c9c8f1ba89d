//! `--check`: whether values can be read from here, and if not, why.
//!
//! Takes the steps of a fetch one at a time, with the extension's own clients: region, credentials,
//! session token; for each service DNS, TCP, TLS and the clocks; then each item that was named.
//! Each step is one line with the time it took, and one that fails says the one thing to do. No
//! line holds a value. Nothing listens, and nothing registers with Lambda.

mod environment;
mod item;
mod network;
mod report;

use std::{process::ExitCode, sync::Arc};

use tracing::Level;

use self::{
    item::Item,
    report::{Failure, Report, say},
};
use crate::{
    clock::SystemClock,
    extension::{Backend, block_on},
    freeze::FreezeWatch,
    key::{PerUpstream, UpstreamKind},
    settings::{NO_TOKEN, Settings, SettingsAndNotices},
    version::version,
};

/// Checks what every read needs, then reads each item. Succeeds if nothing failed.
pub fn run(reading: SettingsAndNotices, items: &[String]) -> ExitCode {
    say(version());
    let failures = block_on(async {
        let mut report = Report::default();
        check(&reading, items, &mut report).await;
        report.failures()
    });
    if failures > 0 {
        say(format_args!("{failures} failed"));
        return ExitCode::FAILURE;
    }
    say("nothing failed");
    ExitCode::SUCCESS
}

async fn check(reading: &SettingsAndNotices, items: &[String], report: &mut Report) {
    let settings = &reading.settings;
    for notice in reading.notices.iter().chain(&reading.own_notices) {
        // That there is no token is said by the session token's step.
        if notice.level == Some(Level::WARN) && notice.text != NO_TOKEN {
            report.warning("settings", &notice.text);
        }
    }
    let items: Vec<_> = items.iter().filter_map(|text| Item::read(text, report)).collect();
    let backend = match Backend::new(settings, FreezeWatch::new(Arc::new(SystemClock))) {
        Ok(backend) => backend,
        Err(reason) => {
            let to_do = "correct the file, or PARAMETERS_SECRETS_EXTENSION_LOCAL_STORE";
            return report.failed("local store", Failure::new(reason, to_do));
        }
    };
    let reachable = prerequisites(settings, &backend, &items, report).await;
    for item in &items {
        if !reachable.get(item.service()) {
            report.skipped(item, "something that it needs has failed, see above");
        } else if let Backend::LocalStore(_) = backend {
            item.find(&backend.upstreams(), report).await;
        } else {
            item.check(&backend.upstreams(), report).await;
        }
    }
    if items.is_empty() {
        say("no item was named, so no permission was checked: --check secret:NAME parameter:/NAME");
    }
}

/// Checks all that comes before a call, and says for which services it is there.
async fn prerequisites(
    settings: &Settings,
    backend: &Backend,
    items: &[Item],
    report: &mut Report,
) -> PerUpstream<bool> {
    match backend {
        Backend::LocalStore(store) => {
            report.step("local store", environment::local_store(store)).await;
            report.step("session token", environment::session_token(settings)).await;
            PerUpstream::of(|_| true)
        }
        Backend::Aws { aws, .. } => {
            let region = report.step("region", environment::region(settings)).await;
            let credentials = report.step("credentials", environment::credentials(aws)).await;
            report.step("session token", environment::session_token(settings)).await;
            let mut reachable = PerUpstream::default();
            if region.is_none() {
                return reachable;
            }
            for service in UpstreamKind::all() {
                let is_wanted =
                    items.is_empty() || items.iter().any(|item| item.service() == service);
                let is_there = is_wanted && network::reach(service, settings, aws, report).await;
                *reachable.get_mut(service) = is_there && credentials.is_some();
            }
            reachable
        }
    }
}
