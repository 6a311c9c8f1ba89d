//! What a kept key costs in memory: what the cache's bound in bytes counts.

use crate::{cache::key_state::KeyState, key::CacheKey};

/// What a key costs beside its texts: its places in the index, its state, and what the allocator
/// adds. More than it takes: `tests/key_cost.rs` measures it.
pub const EACH_KEY: usize = 512;

/// The bytes that a key counts for: [`EACH_KEY`], the texts of the key, and the response body that
/// is kept or the text of the last failure. Nothing for a key that holds neither.
pub fn cost<C>(key: &CacheKey, state: &KeyState<C>) -> usize {
    state.held_bytes().map_or(0, |held| cost_of(key, held))
}

/// What a key costs that holds this many bytes.
pub fn cost_of(key: &CacheKey, held: usize) -> usize {
    EACH_KEY + key.text_len() + held
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::SecretKey;

    #[test]
    fn a_key_costs_its_texts_and_what_it_holds_beside_its_share() {
        let key = CacheKey::Secret(SecretKey::new("name".to_owned(), Some("id".to_owned()), None));
        assert_eq!(cost_of(&key, 100), EACH_KEY + 106);
        assert_eq!(cost::<()>(&key, &KeyState::default()), 0, "nothing is held");
    }
}
