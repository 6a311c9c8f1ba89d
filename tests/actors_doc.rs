//! `actors.md` knows every actor and every message.

use std::{
    fs,
    path::{Path, PathBuf},
};

fn source_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { source_files(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

/// The names that follow `introduction` at the beginning of a line anywhere in `src`.
fn names_after(introduction: &str) -> Vec<String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut names = Vec::new();
    for path in source_files(&source) {
        let text = fs::read_to_string(path).unwrap();
        let lines = text.lines().filter_map(|line| line.strip_prefix(introduction));
        let name =
            |rest: &str| rest.chars().take_while(|character| character.is_alphanumeric()).collect();
        names.extend(lines.map(name).collect::<Vec<String>>());
    }
    names
}

fn assert_documented(names: &[String]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("actors.md");
    let document = fs::read_to_string(path).expect("actors.md at the root of the project");
    let words: Vec<_> = document.split(|character: char| !character.is_alphanumeric()).collect();
    for name in names {
        assert!(words.contains(&name.as_str()), "actors.md does not name {name}");
    }
}

#[test]
fn actors_md_names_every_actor() {
    let actors = names_after("impl Actor for ");

    for actor in ["LifecycleActor", "HttpActor", "CacheRegistry", "CacheActor", "FetchPool"] {
        assert!(actors.contains(&actor.to_owned()), "{actor} is not among {actors:?}");
    }
    assert_documented(&actors);
}

#[test]
fn actors_md_names_every_message() {
    let messages = names_after("impl Message for ");

    for message in ["Get", "AtRest", "Fetch", "Drain"] {
        assert!(messages.contains(&message.to_owned()), "{message} is not among {messages:?}");
    }
    assert_documented(&messages);
}
