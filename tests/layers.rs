//! Holds the layering of `src/` against its `use` lines: a lower layer never names a higher one.

use std::fs;
use std::path::{Path, PathBuf};

/// Layers from the lowest; modules of one row may name each other.
const LAYERS: &[&[&str]] = &[
    &["host", "abi", "ir"],
    &["isa", "mem"],
    &["jit", "cpu"],
    &["process"],
    &["loader"],
    &["os"],
    &["debug", "trace", "coredump"],
    &["cli"],
];

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|row| row.contains(&module))
}

fn rust_files(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("src is readable").flatten() {
        let path = entry.path();
        if path.is_dir() {
            rust_files(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

/// Modules of the crate that a line names by `crate::NAME` or `use crate::{A, B}`.
fn named_modules(line: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (i, _) in line.match_indices("crate::") {
        if line[..i].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        let rest = &line[i + "crate::".len()..];
        let Some(group) = rest.strip_prefix('{') else {
            names.push(
                rest.split(|c: char| !c.is_alphanumeric() && c != '_')
                    .next()
                    .unwrap_or("")
                    .to_string(),
            );
            continue;
        };
        // Names at depth 0 of the braces, up to the first `::` of each.
        let (mut depth, mut name) = (0, String::new());
        for c in group.chars() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => names.push(std::mem::take(&mut name)),
                _ if depth == 0 => name.push(c),
                _ => {}
            }
        }
        names.push(name);
    }
    let head = |n: &String| n.split("::").next().unwrap_or("").trim().to_string();
    names
        .iter()
        .map(head)
        .filter(|n| layer(n).is_some())
        .collect()
}

/// The text without its test modules, which may reach up: they are not part of the layer.
fn without_tests(text: &str) -> &str {
    text.split("\n#[cfg(test)]\nmod ").next().unwrap_or(text)
}

#[test]
fn lower_layers_never_name_higher_ones() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    assert!(files.len() > 10, "found only {} files", files.len());
    let mut wrong = Vec::new();
    for file in &files {
        let relative = file.strip_prefix(&src).expect("under src");
        let module = relative
            .iter()
            .next()
            .and_then(|c| c.to_str())
            .unwrap_or("");
        let Some(own) = layer(module) else { continue };
        // Modules of tests in files of their own: `tests.rs`, `exit_tests.rs`, all under `tests/`.
        let is_test = |c: &std::ffi::OsStr| {
            c.to_str()
                .is_some_and(|c| c == "tests" || c.ends_with("tests.rs"))
        };
        if relative.iter().any(is_test) {
            continue;
        }
        let text = fs::read_to_string(file).expect("source is readable");
        for line in without_tests(&text)
            .lines()
            .filter(|l| !l.trim_start().starts_with("//"))
        {
            for name in named_modules(line) {
                if layer(&name).is_some_and(|l| l > own) {
                    wrong.push(format!("src/{}: {module} names {name}", relative.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_parser_sees_modules() {
    assert_eq!(named_modules("use crate::ir::Block;"), ["ir"]);
    assert_eq!(
        named_modules("use crate::{cpu::Exit, ir::{A, B}};"),
        ["cpu", "ir"]
    );
    assert_eq!(
        named_modules("let x = crate::os::f(crate::mem::g());"),
        ["os", "mem"]
    );
    assert!(named_modules("pub(crate) fn os()").is_empty());
}
