//! Takes the Rust sample out of the page that shows it, for `src/sample.rs`.

use std::{env, fs, path::Path};

const PAGE: &str = "../../../docs/languages.md";

fn main() {
    println!("cargo::rerun-if-changed={PAGE}");
    let page = fs::read_to_string(PAGE).expect("the page with the samples");
    let (_, code) = page.split_once("```rust\n").expect("a sample in Rust");
    let (code, _) = code.split_once("```").expect("an end of it");
    let out = env::var("OUT_DIR").expect("cargo sets it");
    fs::write(Path::new(&out).join("sample.rs"), code).expect("a file in OUT_DIR");
}
