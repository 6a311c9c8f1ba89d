//! Links between the pages lead somewhere, with their anchors.

use std::{
    collections::BTreeMap,
    path::{Component, Path, PathBuf},
};

use super::pages;

/// The targets of a page's links and pictures. What stands in backticks is not a link.
fn targets(text: &str) -> Vec<String> {
    let mut targets = Vec::new();
    for line in pages::prose(text) {
        let words: String = line.split('`').step_by(2).collect();
        let links = words.split("](").skip(1);
        targets.extend(links.filter_map(|rest| Some(rest.split_once(')')?.0.to_owned())));
    }
    targets
}

/// The anchors of a page's headings, as GitHub and GitLab make them.
fn anchors(text: &str) -> Vec<String> {
    let mut seen = BTreeMap::<String, usize>::new();
    let headings = pages::prose(text).filter(|line| line.starts_with('#'));
    let anchor = |line: &str| {
        let words = line.trim_start_matches('#').trim().to_lowercase();
        let kept = words.chars().filter(|word| word.is_alphanumeric() || " -_".contains(*word));
        let anchor: String = kept.map(|word| if word == ' ' { '-' } else { word }).collect();
        let times = seen.entry(anchor.clone()).or_default();
        *times += 1;
        if *times == 1 { anchor } else { format!("{anchor}-{}", *times - 1) }
    };
    headings.map(anchor).collect()
}

/// Without `.` and `..`, and without asking the file system.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => assert!(normal.pop(), "{} leaves the project", path.display()),
            part => normal.push(part),
        }
    }
    normal
}

#[test]
fn every_link_between_the_pages_leads_to_a_file_and_to_a_heading() {
    let mut broken = Vec::new();
    let mut followed = 0;
    for page in pages::all() {
        let text = pages::read(&page);
        for target in targets(&text) {
            if target.starts_with("https://") || target.starts_with("http://") {
                continue;
            }
            followed += 1;
            let (path, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let file = match path {
                "" => page.clone(),
                path => normal(&page.parent().unwrap().join(path)),
            };
            let leads_somewhere = file.exists()
                && (anchor.is_empty() || anchors(&pages::read(&file)).contains(&anchor.to_owned()));
            if !leads_somewhere {
                broken.push(format!("{}: {target}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "links that lead nowhere:\n{}", broken.join("\n"));
    assert!(followed > 50, "only {followed} links were found");
}

#[test]
fn every_page_under_docs_is_in_the_index() {
    let index = pages::read("docs/README.md");
    let linked: Vec<_> = targets(&index)
        .iter()
        .map(|target| normal(&pages::project().join("docs").join(target)))
        .collect();
    for page in pages::files(&pages::project().join("docs"), "md") {
        let is_a_decision = page.parent().unwrap().ends_with("decisions");
        let is_the_index = page.ends_with("docs/README.md");
        assert!(
            is_the_index || is_a_decision || linked.contains(&page),
            "docs/README.md does not link {}",
            page.display()
        );
    }
}

/// Paths are written out where a reader has to find the file: `src/http/query.rs`.
#[test]
fn every_file_that_contributing_names_is_there() {
    let text = pages::read("CONTRIBUTING.md");
    let folders = ["src/", "tests/", "docs/"];
    let is_file = |word: &&str| {
        folders.iter().any(|folder| word.starts_with(folder))
            && [".rs", ".md"].iter().any(|end| word.ends_with(end))
    };
    let named: Vec<_> = pages::quoted(&text).into_iter().filter(is_file).collect();
    assert!(named.len() > 30, "only {named:?} were found");
    let missing: Vec<_> =
        named.iter().filter(|path| !pages::project().join(path).exists()).collect();
    assert!(missing.is_empty(), "CONTRIBUTING.md names files that are not there: {missing:?}");
}

#[test]
fn an_anchor_is_a_heading_in_lower_case_without_punctuation() {
    let text = "# One, two\n```\n# not a heading\n```\n## `A_b` and I get 401\n## One two\n";
    assert_eq!(anchors(text), ["one-two", "a_b-and-i-get-401", "one-two-1"]);
}
