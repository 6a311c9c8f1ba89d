//! Which program this is.

use crate::fetch::aws::TLS_LIBRARY;

/// Which program this is, in one line: name, version, target, TLS library.
pub(crate) fn version() -> String {
    let (name, version) = (env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
    let (machine, system) = (std::env::consts::ARCH, std::env::consts::OS);
    let libc = if cfg!(target_env = "musl") { "musl" } else { "gnu" };
    format!("{name} {version} ({machine}-{system}-{libc}, TLS by {TLS_LIBRARY})")
}
