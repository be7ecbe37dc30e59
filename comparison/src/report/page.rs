//! The page of the documentation that has the results.

use std::{env, fs};

use crate::{BoxError, settings::Settings};

/// Puts a text between the marks of this name in docs/performance.md.
pub(crate) fn replace_section(name: &str, text: &str) -> Result<(), BoxError> {
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

/// Writes a picture beside the page.
pub(crate) fn write_picture(name: &str, picture: &str) -> Result<(), BoxError> {
    Ok(fs::write(format!("docs/{name}.svg"), picture)?)
}

/// What it was measured on, and how.
pub(crate) fn machine(settings: &Settings, redis: &str) -> Result<String, BoxError> {
    let processors = fs::read_to_string("/proc/cpuinfo")?;
    let models = processors
        .lines()
        .filter(|line| line.starts_with("model name"));
    let model = models.clone().next().and_then(|line| line.split_once(": "));
    let (_, model) = model.unwrap_or(("", "unknown processors"));
    let Settings {
        rounds,
        length,
        connections,
        workers,
        ..
    } = settings;
    Ok(format!(
        "{count} × {model}; Redis {redis}; {date}.\n\
         {rounds} rounds of {length} s, {connections} connections, worker threads: {workers}.",
        count = models.count(),
        date = env::var("DATE").unwrap_or_default(),
        length = length.as_secs_f64(),
    ))
}

const PAGE: &str = "docs/performance.md";
