//! Who may import whom in the core: the floors that `docs/architecture.md` draws.

use std::fs;
use std::path::{Path, PathBuf};

/// The rooms, from the top floor down, and on a floor from left to right.
fn rooms(architecture: &str) -> Vec<String> {
    let is_floor =
        |line: &&str| line.strip_prefix("| ").is_some_and(|row| row.starts_with(|c: char| c.is_ascii_digit()));
    let rooms = |row: &str| -> Vec<String> {
        let cell = row.split('|').nth(2).unwrap_or_default();
        cell.split('`').skip(1).step_by(2).map(Into::into).collect()
    };
    architecture.lines().filter(is_floor).flat_map(rooms).collect()
}

/// The source files below this place, without tests.
fn sources(place: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(place).unwrap().map(Result::unwrap) {
        let (path, name) = (entry.path(), entry.file_name().into_string().unwrap());
        let is_test = ["tests", "tests.rs", "testing", "testing.rs"].contains(&&*name) || name.ends_with("_tests.rs");
        if path.is_dir() && !is_test {
            found.extend(sources(&path));
        } else if name.ends_with(".rs") && !is_test {
            found.push(path);
        }
    }
    found
}

/// What stands behind `crate::` in the code of a file: up to its tests, and without comments.
fn imports(source: &str) -> Vec<&str> {
    let code = source.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let code = code.lines().map(|line| line.split("//").next().unwrap_or_default());
    let names = code.flat_map(|line| line.split("crate::").skip(1));
    names.map(|rest| rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default()).collect()
}

#[test]
fn a_room_of_the_core_imports_only_what_is_below_it_or_to_its_right() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let rooms = rooms(&fs::read_to_string(root.join("docs/architecture.md")).unwrap());
    let source = root.join("core/src");
    let at = |room: &str| rooms.iter().position(|known| known == room);
    let mut seen = 0;
    for path in sources(&source).into_iter().filter(|path| *path != source.join("lib.rs")) {
        let within = path.strip_prefix(&source).unwrap();
        let room = within.components().next().unwrap().as_os_str().to_str().unwrap().trim_end_matches(".rs");
        let place = at(room).unwrap_or_else(|| panic!("{room} is on no floor of docs/architecture.md"));
        for import in imports(&fs::read_to_string(&path).unwrap()) {
            let below = at(import).unwrap_or_else(|| panic!("{}: {import} is on no floor", within.display()));
            assert!(below >= place, "{} imports {import}, which stands above it", within.display());
            seen += 1;
        }
    }
    assert!(seen > 100, "only {seen} imports were found");
    for room in &rooms {
        let is_there = source.join(room).is_dir() || source.join(room).with_extension("rs").is_file();
        assert!(is_there, "there is no room {room}");
    }
}
