"""Every way in which AWS or the network can fail, times every state of an entry, against the real
program."""
