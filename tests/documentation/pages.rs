//! The project's Markdown files.

use std::{
    fs,
    path::{Path, PathBuf},
};

pub fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What is installed or built has pages of its own, which are not the project's.
const OTHERS: [&str; 3] = ["target", "node_modules", "dist"];

/// Every page, by its path.
pub fn all() -> Vec<PathBuf> {
    let pages = files(project(), "md");
    assert!(pages.len() > 20, "only {} pages were found", pages.len());
    pages
}

/// The files with this extension in a folder and the folders below it.
pub fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let files = files_below(folder).into_iter();
    files.filter(|path| path.extension().is_some_and(|found| found == extension)).collect()
}

/// Every file of the project.
pub fn all_files() -> Vec<PathBuf> {
    files_below(project())
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        let name = entry.file_name().into_string().unwrap();
        if name.starts_with('.') || OTHERS.contains(&name.as_str()) {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            found.extend(files_below(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// A page's text; `path` counts from the project's folder.
pub fn read(path: impl AsRef<Path>) -> String {
    let path = project().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A page's lines outside fenced code.
pub fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut in_code = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        in_code ^= is_fence;
        !in_code && !is_fence
    })
}

/// The rows of every table whose header's first cell is `first`, as cells.
pub fn rows<'a>(text: &'a str, first: &str) -> Vec<Vec<&'a str>> {
    let mut rows = Vec::new();
    let mut lines = prose(text);
    while let Some(line) = lines.next() {
        if cells(line).first() == Some(&first) {
            let table = lines.by_ref().skip(1);
            rows.extend(table.take_while(|line| line.starts_with('|')).map(cells));
        }
    }
    assert!(!rows.is_empty(), "no table begins with {first}");
    rows
}

fn cells(line: &str) -> Vec<&str> {
    let Some(line) = line.strip_prefix('|') else { return Vec::new() };
    line.trim_end().trim_end_matches('|').split('|').map(str::trim).collect()
}

/// What stands in backticks.
pub fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}
