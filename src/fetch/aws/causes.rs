//! The causes of an SDK's error. Only their `Display` texts are used: its `Debug` may hold a value.

use std::error::Error;

/// The texts of an error and its causes, outermost first, each once.
pub(crate) fn causes(error: &(dyn Error + 'static)) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut cause = Some(error);
    while let Some(error) = cause {
        // A credentials chain lists what it tried on lines of its own; a log line is one line.
        let word = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        if !words.contains(&word) {
            words.push(word);
        }
        cause = error.source();
    }
    words.join(": ")
}

/// The outermost cause of this type.
pub(super) fn cause_of_kind<'a, E: Error + 'static>(
    error: &'a (dyn Error + 'static),
) -> Option<&'a E> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}
