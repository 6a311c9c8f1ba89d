//! Lines of comments and of prose end at 100 columns.
//!
//! Left out are tables, code blocks, headings and pictures of pages, commands, which comments
//! indent, and what has no blank at which to break it. rustfmt sees to the lines of code.

use std::fs;

use super::pages;

const COLUMNS: usize = 100;

/// Where a file's comments begin, by its extension. Files without one are scripts.
const COMMENTS: [(&str, &str); 10] = [
    ("rs", "//"),
    ("ts", "//"),
    ("mjs", "//"),
    ("py", "#"),
    ("toml", "#"),
    ("yaml", "#"),
    ("yml", "#"),
    ("tf", "#"),
    ("mk", "#"),
    ("", "#"),
];

fn is_too_long(line: &str) -> bool {
    line.chars().count() > COLUMNS && line.trim().contains(' ')
}

fn comments<'a>(text: &'a str, begin: &str) -> impl Iterator<Item = &'a str> {
    text.lines().filter(move |line| {
        let comment = line.trim_start().strip_prefix(begin);
        comment.is_some_and(|comment| !comment.starts_with("   "))
    })
}

fn prose(text: &str) -> impl Iterator<Item = &str> {
    pages::prose(text).filter(|line| !line.starts_with(['|', '#']) && !line.starts_with("!["))
}

#[test]
fn lines_of_comments_and_of_prose_end_at_100_columns() {
    let mut long = Vec::new();
    let mut read = 0;
    for path in pages::all_files() {
        let extension = path.extension().map_or("", |extension| extension.to_str().unwrap());
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let comment = COMMENTS.iter().find(|(known, _)| *known == extension);
        let lines: Vec<_> = match (extension, comment) {
            ("md", _) => prose(&text).filter(|line| is_too_long(line)).collect(),
            (_, Some((_, begin))) => {
                comments(&text, begin).filter(|line| is_too_long(line)).collect()
            }
            _ => continue,
        };
        read += 1;
        let name = path.strip_prefix(pages::project()).unwrap().display().to_string();
        long.extend(lines.into_iter().map(|line| format!("{name}: {}", line.trim())));
    }
    assert!(read > 300, "only {read} files were read");
    assert!(long.is_empty(), "{} lines are too long:\n{}", long.len(), long.join("\n"));
}

#[test]
fn tables_code_and_what_cannot_be_broken_may_be_longer() {
    let word = "x".repeat(COLUMNS);
    let page = format!("# a {word}\n| a | {word} |\n```\na {word}\n```\nprose {word}");
    let found: Vec<_> = prose(&page).filter(|line| is_too_long(line)).collect();
    assert_eq!(found, [format!("prose {word}")]);
    assert!(!is_too_long(&format!("    {word}{word}")));
}
