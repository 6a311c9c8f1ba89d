//! Which sockets of a port this process holds. Others run beside the soak in it.

use std::{collections::HashSet, fs};

/// So many of this process's descriptors are sockets on this port, at either end.
pub fn on_port(port: u16) -> usize {
    let sockets: HashSet<_> = ["/proc/self/net/tcp", "/proc/self/net/tcp6"]
        .iter()
        .flat_map(|table| inodes(table, port))
        .collect();
    let descriptors = fs::read_dir("/proc/self/fd").unwrap();
    let links = descriptors.filter_map(|descriptor| fs::read_link(descriptor.ok()?.path()).ok());
    links.filter(|link| sockets.contains(&*link.to_string_lossy())).count()
}

/// As the descriptors' links name them, one for each connection and listener of the port.
fn inodes(table: &str, port: u16) -> Vec<String> {
    let table = fs::read_to_string(table).unwrap_or_default();
    let port = format!(":{port:04X}");
    let rows = table.lines().skip(1).map(|row| row.split_whitespace().collect::<Vec<_>>());
    let ours = rows.filter(|row| row[1].ends_with(&port) || row[2].ends_with(&port));
    ours.map(|row| format!("socket:[{}]", row[9])).collect()
}
