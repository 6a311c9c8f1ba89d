//! Finds the known name that was probably meant by one that is almost right.

use strsim::osa_distance;

/// Far above the longest known name.
const LONGEST: usize = 100;

/// The name in `known` that is closest to `given`, apart from letter case, hyphens and underscores,
/// and from one typing error, or two in a long name. `None` if no name is that close, or if `given`
/// is one of them.
pub(crate) fn nearest<'a>(
    given: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // A request, or an environment, may hold a name of any length.
    if given.len() > LONGEST {
        return None;
    }
    let folded = fold(given);
    known
        .into_iter()
        .filter_map(|name| {
            let slips = osa_distance(&folded, &fold(name));
            (name != given && slips <= slips_allowed(name)).then_some((slips, name))
        })
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, name)| name)
}

fn fold(name: &str) -> String {
    let letters = name.chars().filter(|letter| !matches!(letter, '-' | '_'));
    letters.map(|letter| letter.to_ascii_lowercase()).collect()
}

/// A short name is close to many words that mean something else.
fn slips_allowed(name: &str) -> usize {
    match name.len() {
        0..=5 => 0,
        6..=9 => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::nearest;

    const KNOWN: [&str; 4] = ["name", "version", "withDecryption", "SECRETS_MANAGER_TTL"];

    #[test]
    fn letter_case_and_separators_and_slips_are_seen_through() {
        for (given, meant) in [
            ("Name", "name"),
            ("VERSION", "version"),
            ("versoin", "version"),
            ("withdecryption", "withDecryption"),
            ("with_decryption", "withDecryption"),
            ("withDecription", "withDecryption"),
            ("withDecrytpion", "withDecryption"),
            ("SECRET_MANAGER_TTL", "SECRETS_MANAGER_TTL"),
            ("SECRETS_MANAGER_TTl", "SECRETS_MANAGER_TTL"),
        ] {
            assert_eq!(nearest(given, KNOWN), Some(meant), "{given}");
        }
    }

    #[test]
    fn another_word_is_no_slip() {
        for given in ["game", "names", "verbose", "decrypt", "SECRET_NAME", "version", ""] {
            let found = nearest(given, KNOWN);
            assert!(found.is_none(), "{given}: {found:?}");
        }
    }
}
