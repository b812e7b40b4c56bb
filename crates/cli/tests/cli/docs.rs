//! `docs/cli.md` holds the help of every command, word for word. With `UPDATE_DOCS=1` it is written anew.

use std::path::Path;

use crate::harness::Here;

/// What stands above is written by hand.
const MARK: &str = "<!-- What follows is the help of each command; UPDATE_DOCS=1 cargo test -p chancery-cli writes it. -->\n";

#[test]
fn the_documentation_holds_the_help_of_every_command() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cli.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (above, below) = text.split_once(MARK).expect("docs/cli.md has its mark");
    let mut wanted = String::new();
    describe(&Here::new(), &[], &mut wanted);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        return std::fs::write(&path, format!("{above}{MARK}{wanted}")).unwrap();
    }
    assert_eq!(
        below, wanted,
        "docs/cli.md is not what the commands say; run with UPDATE_DOCS=1"
    );
}

#[test]
fn every_command_has_help_with_an_example_or_sub_commands() {
    let mut all = String::new();
    describe(&Here::new(), &[], &mut all);
    for part in all.split("\n## ").skip(1) {
        let (name, help) = part.split_once('\n').unwrap();
        let small = [
            "list", "restore", "revoke", "delete", "status", "plan", "up", "down", "create",
        ];
        let last = name.trim_matches('`').rsplit(' ').next().unwrap();
        assert!(
            help.contains("Examples:") || help.contains("Commands:") || small.contains(&last),
            "{name}"
        );
    }
}

/// Writes down a command and all below it.
fn describe(here: &Here, path: &[String], out: &mut String) {
    let mut args: Vec<&str> = path.iter().map(String::as_str).collect();
    args.push("--help");
    let help = here.done(&args);
    let name = [&["chancery".to_owned()], path].concat().join(" ");
    out.push_str(&format!("\n## `{name}`\n\n```text\n{}\n```\n", help.trim_end()));
    for command in commands(&help) {
        describe(here, &[path, &[command]].concat(), out);
    }
}

/// The names in the list of commands.
fn commands(help: &str) -> Vec<String> {
    let list = help.split_once("Commands:\n").map_or("", |(_, list)| list);
    let lines = list.lines().take_while(|line| !line.is_empty());
    let names = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        // It says what --help says.
        .filter(|name| name != "help")
        .collect()
}
