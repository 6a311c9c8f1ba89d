//! What AWS would have made up: ARNs, version ids, ciphertext. An ARN is the same for the same
//! name, so that one copied from one run works in the next; nothing here depends on a plaintext.

use std::iter;

use aws_smithy_types::{DateTime, base64};

const ACCOUNT: &str = "000000000000";

/// A secret's ARN, with the six characters that AWS appends to the name.
pub(super) fn secret_arn(region: &str, name: &str) -> String {
    const CHARACTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let characters = noise(&["secret", name]).map(|word| CHARACTERS[(word % 62) as usize]);
    let suffix: String = characters.take(6).map(char::from).collect();
    format!("arn:{}:secretsmanager:{region}:{ACCOUNT}:secret:{name}-{suffix}", partition(region))
}

/// A parameter's ARN.
pub(super) fn parameter_arn(region: &str, name: &str) -> String {
    let slash = if name.starts_with('/') { "" } else { "/" };
    format!("arn:{}:ssm:{region}:{ACCOUNT}:parameter{slash}{name}", partition(region))
}

/// The id of a secret's version that has none: a UUID, as AWS makes them. Another one for each time
/// at which the file was `modified`: an edit is a new version.
pub(super) fn version_id(name: &str, position: usize, modified: DateTime) -> String {
    let (position, modified) = (position.to_string(), modified.as_nanos().to_string());
    let mut words = noise(&["version", name, &position, &modified]);
    let (high, low) = (words.next().unwrap_or(0), words.next().unwrap_or(0));
    format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xfff,
        low >> 48 & 0xfff,
        low & 0xffff_ffff_ffff
    )
}

/// What a SecureString looks like without decryption; begins as what KMS makes does.
pub(super) fn ciphertext(name: &str, version: usize) -> String {
    let noise = noise(&["ciphertext", name, &version.to_string()]).flat_map(u64::to_le_bytes);
    let bytes: Vec<u8> =
        [0x01, 0x02, 0x02, 0x00, 0x78].into_iter().chain(noise).take(150).collect();
    base64::encode(bytes)
}

fn partition(region: &str) -> &'static str {
    match region {
        _ if region.starts_with("cn-") => "aws-cn",
        _ if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

/// Endless words from a seed: FNV-1a, then SplitMix64. Written out because the standard library's
/// hashes may change from one release to the next.
fn noise(seed: &[&str]) -> impl Iterator<Item = u64> + use<> {
    let bytes = seed.iter().flat_map(|part| part.bytes().chain([0]));
    let mut state = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    iter::repeat_with(move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let word = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ word >> 31
    })
}

#[cfg(test)]
mod tests {
    use super::{DateTime, ciphertext, parameter_arn, secret_arn, version_id};

    #[test]
    fn what_is_made_up_stays_the_same() {
        assert_eq!(
            secret_arn("eu-west-1", "app/db"),
            "arn:aws:secretsmanager:eu-west-1:000000000000:secret:app/db-YqLKXl"
        );
        let (then, now) = (DateTime::from_secs(1), DateTime::from_secs_and_nanos(1, 1));
        let id = version_id("app/db", 0, then);
        assert_eq!(id, version_id("app/db", 0, then));
        assert_ne!(id, version_id("app/db", 1, then));
        assert_ne!(id, version_id("app", 0, then));
        assert_ne!(id, version_id("app/db", 0, now));
    }

    #[test]
    fn an_arn_names_its_regions_partition_and_one_slash() {
        assert_eq!(
            parameter_arn("cn-north-1", "/app/db"),
            "arn:aws-cn:ssm:cn-north-1:000000000000:parameter/app/db"
        );
        assert_eq!(
            parameter_arn("us-gov-west-1", "db"),
            "arn:aws-us-gov:ssm:us-gov-west-1:000000000000:parameter/db"
        );
    }

    #[test]
    fn ciphertext_begins_as_what_kms_makes_and_differs_from_version_to_version() {
        assert!(ciphertext("/app/db", 1).starts_with("AQICAH"));
        assert_ne!(ciphertext("/app/db", 1), ciphertext("/app/db", 2));
    }
}
