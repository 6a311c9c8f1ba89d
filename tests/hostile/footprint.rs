//! What the program takes from its host.

use std::fs;

use super::program::Program;

impl Program {
    /// The most memory that was ever resident, in megabytes, rounded up.
    pub fn peak_memory_mb(&self) -> u64 {
        let kibibytes = self.status("VmHWM:");
        (kibibytes * 1_024 / 1_000).div_ceil(1_000)
    }

    /// How many files may be open before the kernel enlarges its table of them.
    pub fn places_for_open_files(&self) -> u64 {
        self.status("FDSize:")
    }

    /// A number that Linux tells about the process, in the unit that it has there.
    fn status(&self, what: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(what)).expect("Linux tells it");
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }
}
