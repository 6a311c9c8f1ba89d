//! Standard output, or another descriptor, as the log writes to it.

use std::{
    io::{self, Write},
    os::fd::AsFd,
};

use rustix::event::{PollFd, PollFlags, poll};

/// Writes to a descriptor, and waits while it has no room.
///
/// A descriptor that does not block refuses to write instead of waiting: Node makes its standard
/// output so, and with it the pipe that the extension shares. Written without a buffer, because
/// that of [`io::Stdout`] does not tell how far it came before a refusal.
#[derive(Debug)]
pub(super) struct Output<D>(pub(super) D);

impl<D: AsFd> Write for Output<D> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match rustix::io::write(&self.0, bytes) {
                Err(rustix::io::Errno::AGAIN) => self.wait_for_room()?,
                written => return Ok(written?),
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<D: AsFd> Output<D> {
    /// As long as the reader likes, like a write to a descriptor that blocks.
    fn wait_for_room(&self) -> io::Result<()> {
        poll(&mut [PollFd::new(&self.0, PollFlags::OUT)], None)?;
        Ok(())
    }
}
