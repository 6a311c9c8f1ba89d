//! The process's table of open files, which every connection takes a place in.

use std::{io::stdin, os::fd::RawFd};

use rlimit::Resource;

/// Kept free for everything else: upstream connections, the Extensions API, standard streams.
const RESERVED: usize = 64;

/// Raises the soft limit to the hard limit, for Lambda's soft limit is 1,024, and makes the table
/// as large as so many connections need. To be called before any thread is started.
///
/// The kernel doubles the table when it is full. Once a process has several threads, the one whose
/// file no longer fits then waits until every processor has passed through the scheduler, which
/// takes 10 to 20 ms (`expand_files` in Linux's `fs/file.c`): no request would be answered
/// meanwhile, just when a burst of clients arrives.
pub(crate) fn make_room(connections: usize) {
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let last = places_for(connections) + RESERVED - 1;
    // A failure costs those waits, nothing else.
    let _closed_again =
        RawFd::try_from(last).map(|last| rustix::io::fcntl_dupfd_cloexec(stdin(), last));
}

/// For how many connections there are places, at most so many.
pub(crate) fn places_for(connections: usize) -> usize {
    let files = Resource::NOFILE.get_soft().unwrap_or(1_024);
    let files = usize::try_from(files).unwrap_or(usize::MAX);
    files.saturating_sub(RESERVED).clamp(1, connections)
}
