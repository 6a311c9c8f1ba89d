//! The sample of docs/languages.md as a program: `sample NAME` writes the secret's value.

use std::io::Write;

include!(concat!(env!("OUT_DIR"), "/sample.rs"));

fn main() -> Result<(), Box<dyn Error>> {
    let name = std::env::args().nth(1).ok_or("a name, please")?;
    Ok(std::io::stdout().write_all(&secret(&name)?)?)
}
