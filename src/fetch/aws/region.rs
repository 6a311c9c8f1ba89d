//! The region that an ARN names: its value is read there, whatever the function's own region is.

use aws_config::Region;

/// The longest label of a host name: a region becomes one.
const LONGEST: usize = 63;

/// The region of `id`, if it is an ARN and its region is not `own`.
pub(super) fn other_region(own: Option<&Region>, id: &str) -> Option<Region> {
    let region = region_of(id)?;
    let is_own = own.is_some_and(|own| own.as_ref() == region);
    (!is_own).then(|| Region::new(region.to_owned()))
}

/// `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`
fn region_of(id: &str) -> Option<&str> {
    let mut parts = id.splitn(6, ':');
    if parts.next() != Some("arn") {
        return None;
    }
    let region = parts.nth(2)?;
    // An ARN that ends before its resource is left to the service to refuse.
    parts.nth(1)?;
    is_region(region).then_some(region)
}

/// A region becomes part of a host's name. Nothing that a client writes may become more than one
/// label of it.
fn is_region(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let has_edges =
        text.starts_with(|first: char| first.is_ascii_lowercase()) && !text.ends_with('-');
    has_edges && text.len() <= LONGEST && text.bytes().all(is_part)
}

#[cfg(test)]
mod tests {
    use aws_config::Region;
    use proptest::prelude::*;

    use super::{other_region, region_of};

    const SECRET: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf";

    #[test]
    fn an_arn_has_its_region_in_the_fourth_place() {
        assert_eq!(region_of(SECRET), Some("eu-west-1"));
        assert_eq!(region_of("arn:aws-cn:ssm:cn-north-1:1:parameter/a:3"), Some("cn-north-1"));
        assert_eq!(
            region_of("arn:aws-us-gov:ssm:us-gov-west-1:1:parameter/a"),
            Some("us-gov-west-1")
        );
    }

    #[test]
    fn a_name_and_an_arn_without_a_region_go_to_the_functions_own() {
        for id in [
            "",
            "db",
            "arn",
            "arn:aws:s3:::bucket",
            "arn:aws:ssm:eu-west-1",
            "arn:aws:ssm:eu-west-1:1",
            "a:b:c:eu-west-1:e:f",
        ] {
            assert_eq!(region_of(id), None, "{id}");
        }
    }

    #[test]
    fn the_functions_own_region_needs_no_client_of_another() {
        let region = Region::new("eu-west-1");
        assert_eq!(other_region(Some(&region), SECRET), None);
        assert_eq!(other_region(Some(&Region::new("eu-west-2")), SECRET), Some(region.clone()));
        assert_eq!(other_region(None, SECRET), Some(region));
    }

    #[test]
    fn nothing_that_is_more_than_one_label_of_a_host_is_a_region() {
        for region in
            ["evil.example", "a/b", "a@b", "-a", "a-", "A", "a b", "1a", "é", &"a".repeat(64)]
        {
            assert_eq!(region_of(&format!("arn:aws:ssm:{region}:1:parameter/a")), None, "{region}");
        }
    }

    proptest! {
        #[test]
        fn any_text_has_one_region_or_none(id in "(arn:)?[a-z:./@ -]{0,40}") {
            if let Some(region) = region_of(&id) {
                prop_assert!(region.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'));
            }
        }
    }
}
