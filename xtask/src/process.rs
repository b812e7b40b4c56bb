//! Running other programs so that none outlives us: each gets a process group, which is ended when we fail,
//! finish or are interrupted.
//!
//! Knows nothing about which programs there are.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

/// How long a program may take to end by itself after SIGTERM.
const GRACE: Duration = Duration::from_secs(2);

/// Process groups that are running now.
static RUNNING: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

/// A program and everything it started. Ended when dropped.
pub(crate) struct Group {
    child: Child,
}

impl Group {
    /// Starts `command` in a process group of its own.
    pub(crate) fn spawn(command: &mut Command) -> Result<Self> {
        use std::os::unix::process::CommandExt;
        let line = describe(command);
        // Held while spawning, so that an interrupt cannot fall between start and registration.
        let mut running = RUNNING.lock().expect("no holder of this lock panics");
        let child = command
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start `{line}`: is the program installed?"))?;
        running.insert(child.id().cast_signed());
        Ok(Self { child })
    }

    /// The pipes and exit status of the program itself.
    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// SIGKILL to the whole group, at once: what a power button does to a process.
    pub(crate) fn kill(mut self) -> Result<()> {
        if let Some(group) = Pid::from_raw(self.child.id().cast_signed()) {
            kill_process_group(group, Signal::KILL).context("kill -9 failed")?;
        }
        self.child.wait().context("waiting for a killed process failed")?;
        Ok(())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let id = self.child.id().cast_signed();
        if matches!(self.child.try_wait(), Ok(None)) {
            end(id, || !matches!(self.child.try_wait(), Ok(None)));
        } else if let Some(group) = Pid::from_raw(id) {
            // The program is gone; what it left behind in its group goes too.
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
        RUNNING.lock().expect("no holder of this lock panics").remove(&id);
    }
}

/// Asks a group to end, waits for it, then makes it end.
fn end(id: i32, gone: impl FnMut() -> bool) {
    let mut gone = gone;
    let Some(group) = Pid::from_raw(id) else { return };
    let _ = kill_process_group(group, Signal::TERM);
    let deadline = Instant::now() + GRACE;
    while Instant::now() < deadline && !gone() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let _ = kill_process_group(group, Signal::KILL);
}

/// Who waits for an interrupt instead of being ended by it.
static WAITING: Mutex<Option<Sender<()>>> = Mutex::new(None);

/// Waits for the first Ctrl-C, which then ends nothing by itself.
pub(crate) fn wait_for_interrupt() {
    let (told, interrupted) = channel();
    *WAITING.lock().expect("no holder of this lock panics") = Some(told);
    // The sender stays until it has told.
    let _ = interrupted.recv();
}

/// Ends everything that runs, then this program, on Ctrl-C, SIGTERM and SIGHUP.
pub(crate) fn on_interrupt() {
    let handler = || {
        if let Some(told) = WAITING.lock().expect("no holder of this lock panics").take() {
            let _ = told.send(());
            return;
        }
        // Never released: nothing new may start any more.
        let running = RUNNING.lock().expect("no holder of this lock panics");
        for &id in running.iter() {
            end(id, || {
                Pid::from_raw(id).is_none_or(|group| test_kill_process_group(group).is_err())
            });
        }
        eprintln!("\ninterrupted: everything that was running has been ended");
        std::process::exit(130);
    };
    ctrlc::set_handler(handler).expect("the handler is set once, at the start");
}

/// Runs a program with its output on our terminal; anything but success is an error that names it.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = describe(command);
    let status = Group::spawn(command.stdin(Stdio::null()))?.child().wait()?;
    require_success(&line, status)
}

/// Runs a program and answers what it wrote to stdout; its stderr stays on our terminal.
pub(crate) fn capture(command: &mut Command) -> Result<String> {
    use std::io::Read;
    let line = describe(command);
    let mut group = Group::spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()))?;
    let mut text = String::new();
    let mut stdout = group
        .child()
        .stdout
        .take()
        .expect("stdout was asked to be a pipe");
    stdout
        .read_to_string(&mut text)
        .with_context(|| format!("`{line}` did not print text"))?;
    let status = group.child().wait()?;
    require_success(&line, status)?;
    Ok(text)
}

/// As [`run`], but each line is told as it comes, with what the program says on stderr among them.
pub(crate) fn run_told(command: &mut Command, mut tell: impl FnMut(&str)) -> Result<()> {
    let line = describe(command);
    let (reader, writer) = std::io::pipe().context("cannot make a pipe")?;
    command
        .stdin(Stdio::null())
        .stdout(writer.try_clone().context("cannot share a pipe")?)
        .stderr(writer);
    let group = Group::spawn(command);
    // The command keeps the pipe's end open, and so reading it from ending.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut group = group?;
    for said in BufReader::new(reader).split(b'\n') {
        let said = said.with_context(|| format!("cannot hear `{line}`"))?;
        tell(&String::from_utf8_lossy(&said));
    }
    let status = group.child().wait()?;
    require_success(&line, status)
}

/// Whether a program can be started and succeeds; its output is thrown away.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn require_success(line: &str, status: ExitStatus) -> Result<()> {
    if !status.success() {
        bail!("`{line}` failed ({status})");
    }
    Ok(())
}

/// The command as a person would type it, without what is secret: an argument after `--header` is left out.
fn describe(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    let mut hide = false;
    for word in command.get_args() {
        let word = word.to_string_lossy();
        words.push(if hide {
            "…".into()
        } else {
            word.clone().into_owned()
        });
        hide = word == "--header";
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_ends_its_grandchildren() {
        let mut group = Group::spawn(
            Command::new("sh")
                .args(["-c", "sleep 60 & echo $!; wait"])
                .stdout(Stdio::piped()),
        )
        .expect("sh starts");
        let mut line = String::new();
        BufRead::read_line(
            &mut BufReader::new(group.child().stdout.take().expect("piped")),
            &mut line,
        )
        .expect("sh prints");
        let grandchild = Pid::from_raw(line.trim().parse().expect("a process id"));
        drop(group);
        let gone = || rustix::process::test_kill_process(grandchild.expect("not zero")).is_err();
        for _ in 0..100 {
            if gone() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("the grandchild still runs");
    }

    #[test]
    fn a_failure_names_the_command_and_hides_headers() {
        let error =
            run(Command::new("false").args(["--header", "Authorization: Bearer secret", "x"])).unwrap_err();
        assert_eq!(error.to_string(), "`false --header … x` failed (exit status: 1)");
    }

    #[test]
    fn all_that_a_program_says_is_told_in_order() {
        let sh = |script: &str| {
            let mut heard = Vec::new();
            let ended = run_told(Command::new("sh").args(["-c", script]), |line| {
                heard.push(line.to_owned())
            });
            (heard, ended)
        };
        let (heard, ended) = sh("echo one; echo two >&2; echo three");
        assert_eq!(heard, ["one", "two", "three"]);
        ended.expect("it succeeds");
        let (heard, ended) = sh("echo why; exit 3");
        assert_eq!(heard, ["why"]);
        let error = ended.expect_err("it fails");
        assert!(error.to_string().contains("exit status: 3"), "{error}");
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = run(&mut Command::new("no-such-program")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot start `no-such-program`: is the program installed?"
        );
    }
}
