//! A crash must not write secrets to a disk.

use rlimit::Resource;

/// No core of this process is written, neither to a file nor into a program.
///
/// A limit of 0 would stop a file alone: where `core_pattern` names a program, the kernel ignores
/// the limit, but for this one value, by which it knows a crash of that very program. A file of one
/// byte is too short for it to begin.
const NO_CORE: u64 = 1;

/// Turns core dumps off for this process and every child of it.
pub(crate) fn turn_off() {
    // Lowering a limit is always allowed; were it not, an extension without it beats none.
    let _ = rlimit::setrlimit(Resource::CORE, NO_CORE, NO_CORE);
}
