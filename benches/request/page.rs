//! The page of the documentation that has the figures.

use std::fs;

use crate::BoxError;

/// Puts a text between the marks of this name in docs/performance.md.
pub(crate) fn replace_section(name: &str, text: &str) -> Result<(), BoxError> {
    println!("{text}");
    let page = fs::read_to_string(PAGE)?;
    let [begin, end] = [
        format!("<!-- {name} -->\n"),
        format!("<!-- end of {name} -->"),
    ];
    let missing = || format!("{PAGE} has no marks for `{name}`");
    let (before, rest) = page.split_once(&begin).ok_or_else(missing)?;
    let (_, after) = rest.split_once(&end).ok_or_else(missing)?;
    let page = format!("{before}{begin}\n{}\n\n{end}{after}", text.trim());
    Ok(fs::write(PAGE, page)?)
}

const PAGE: &str = "docs/performance.md";
