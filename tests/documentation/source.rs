//! The program's source as tokens, without its tests: what it can say stands there as literals.

use std::{
    fs,
    path::{Path, PathBuf},
};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::pages;

/// A line that the program can log.
#[derive(Debug)]
pub struct Event {
    pub level: String,
    /// The message, with `…` for what is filled in.
    pub message: String,
    /// The names of its fields.
    pub fields: Vec<String>,
}

/// Every text literal of the program.
pub fn literals() -> Vec<String> {
    let mut found = Vec::new();
    for tokens in sources() {
        collect_literals(tokens, &mut found);
    }
    found
}

/// The names of the program's structs.
pub fn types() -> Vec<String> {
    let mut found = Vec::new();
    for tokens in sources() {
        let tokens: Vec<_> = tokens.into_iter().map(|token| token.to_string()).collect();
        let pairs = tokens.windows(2).filter(|pair| pair[0] == "struct");
        found.extend(pairs.map(|pair| pair[1].clone()));
    }
    found
}

/// The text literals of the constant array with this name.
pub fn list(name: &str) -> Vec<String> {
    let mut found = Vec::new();
    for tokens in sources() {
        let tokens = tokens.into_iter().map(|token| (token.to_string(), token));
        let mut value = tokens
            .skip_while(|(text, _)| text != "const")
            .skip_while(|(text, _)| text != name)
            .skip_while(|(text, _)| text != "=");
        if let Some((_, array)) = value.nth(1) {
            collect_literals(array.into(), &mut found);
        }
    }
    assert!(!found.is_empty(), "no constant is called {name}");
    found
}

/// Every event of the program whose message has words of its own.
pub fn events() -> Vec<Event> {
    let mut found = Vec::new();
    for tokens in sources() {
        collect_events(&tokens.into_iter().collect::<Vec<_>>(), &mut found);
    }
    found.retain(|event| event.message.chars().any(char::is_alphabetic));
    found
}

/// The program's source, with every text in one line.
pub fn text() -> String {
    let words =
        |text: &str| text.replace('\\', " ").split_whitespace().collect::<Vec<_>>().join(" ");
    files().map(|(_, text)| words(&text)).collect()
}

fn sources() -> impl Iterator<Item = TokenStream> {
    files().map(|(path, text)| {
        let tokens = text.parse::<TokenStream>();
        without_tests(tokens.unwrap_or_else(|error| panic!("{}: {error}", path.display())))
    })
}

/// The program's files and what they hold, without those of tests.
fn files() -> impl Iterator<Item = (PathBuf, String)> {
    let is_test = |path: &Path| {
        path.components().any(|part| part.as_os_str() == "tests")
            || path.file_stem().unwrap().to_str().unwrap().ends_with("tests")
    };
    let files = pages::files(&pages::project().join("src"), "rs").into_iter();
    files.filter(move |path| !is_test(path)).map(|path| {
        let text = fs::read_to_string(&path).unwrap();
        (path, text)
    })
}

/// Without attributes, doc comments among them, and without what `#[cfg(test)]` marks.
fn without_tests(tokens: TokenStream) -> TokenStream {
    let mut kept = Vec::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(sign) if sign.as_char() == '#' => {
                // An attribute of a whole file: `#![…]`.
                if matches!(tokens.peek(), Some(TokenTree::Punct(sign)) if sign.as_char() == '!') {
                    tokens.next();
                }
                let attribute = tokens.next().map(|group| group.to_string()).unwrap_or_default();
                if attribute.replace(' ', "") == "[cfg(test)]" {
                    skip_item(&mut tokens);
                }
            }
            TokenTree::Group(group) => {
                let inner = without_tests(group.stream());
                kept.push(proc_macro2::Group::new(group.delimiter(), inner).into());
            }
            token => kept.push(token),
        }
    }
    kept.into_iter().collect()
}

fn skip_item(tokens: &mut impl Iterator<Item = TokenTree>) {
    for token in tokens {
        let ends = match token {
            TokenTree::Punct(sign) => sign.as_char() == ';',
            TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
            _ => false,
        };
        if ends {
            return;
        }
    }
}

fn collect_literals(tokens: TokenStream, found: &mut Vec<String>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => collect_literals(group.stream(), found),
            token => found.extend(text_of(&token)),
        }
    }
}

fn collect_events(tokens: &[TokenTree], found: &mut Vec<Event>) {
    for (at, token) in tokens.iter().enumerate() {
        let TokenTree::Group(group) = token else { continue };
        let inner: Vec<_> = group.stream().into_iter().collect();
        if let Some([TokenTree::Ident(name), TokenTree::Punct(sign)]) =
            at.checked_sub(2).map(|start| &tokens[start..at])
            && sign.as_char() == '!'
            && ["debug", "info", "warn", "error"].contains(&name.to_string().as_str())
        {
            found.push(event(name.to_string().to_uppercase(), &inner));
        }
        collect_events(&inner, found);
    }
}

fn event(level: String, arguments: &[TokenTree]) -> Event {
    let is_comma =
        |token: &TokenTree| matches!(token, TokenTree::Punct(sign) if sign.as_char() == ',');
    let mut fields = Vec::new();
    for argument in arguments.split(is_comma) {
        if let Some(text) = argument.first().and_then(text_of) {
            return Event { level, message: template(&text), fields };
        }
        let is_sign = |token: &TokenTree, wanted| matches!(token, TokenTree::Punct(sign) if sign.as_char() == wanted);
        if argument.get(1).is_some_and(|token| is_sign(token, ':')) {
            continue; // `target: …`
        }
        let name = argument.iter().take_while(|token| !is_sign(token, '='));
        let word = name.filter(|token| matches!(token, TokenTree::Ident(_))).last();
        // Without a name in the definition of a macro that writes events.
        fields.extend(word.map(|word| word.to_string().replace("r#", "")));
    }
    Event { level, message: String::new(), fields }
}

/// A format string with `…` for each placeholder.
fn template(format: &str) -> String {
    let mut message = String::new();
    let mut rest = format;
    while let Some((before, placeholder)) = rest.split_once('{') {
        message.push_str(before);
        message.push('…');
        rest = placeholder.split_once('}').map_or("", |(_, after)| after);
    }
    message + rest
}

/// The text of a string literal.
fn text_of(token: &TokenTree) -> Option<String> {
    let TokenTree::Literal(literal) = token else { return None };
    let source = literal.to_string();
    if let Some(raw) = source.strip_prefix('r') {
        let raw = raw.trim_matches('#');
        return Some(raw.strip_prefix('"')?.strip_suffix('"')?.to_owned());
    }
    let written = source.strip_prefix('"')?.strip_suffix('"')?;
    let mut text = String::new();
    let mut characters = written.chars().peekable();
    while let Some(character) = characters.next() {
        match (character, characters.peek()) {
            // The line goes on in the next one.
            ('\\', Some('\n')) => {
                while characters.next_if(|next| next.is_whitespace()).is_some() {}
            }
            ('\\', Some('"' | '\\')) => text.extend(characters.next()),
            _ => text.push(character),
        }
    }
    Some(text)
}

#[test]
fn tests_attributes_and_comments_are_not_read() {
    let tokens: TokenStream = "\
        /// \"a comment\"\n\
        #[error(\"an attribute\")] const A: &str = \"one \\\n   line {b} and {:?}\";\n\
        #[cfg(test)] mod tests { const B: &str = \"a test\"; }"
        .parse()
        .unwrap();
    let mut found = Vec::new();
    collect_literals(without_tests(tokens), &mut found);
    assert_eq!(found, ["one line {b} and {:?}"]);
    assert_eq!(template(&found[0]), "one line … and …");
}

#[test]
fn an_event_has_a_level_a_message_and_fields() {
    let tokens: TokenStream =
        "fn f() { tracing::debug!(target: T, %key, took = ?b.c(d, e), \"done {}\", x) }"
            .parse()
            .unwrap();
    let mut found = Vec::new();
    collect_events(&tokens.into_iter().collect::<Vec<_>>(), &mut found);
    let [event] = &found[..] else { panic!("{found:?}") };
    assert_eq!((event.level.as_str(), event.message.as_str()), ("DEBUG", "done …"));
    assert_eq!(event.fields, ["key", "took"]);
}
