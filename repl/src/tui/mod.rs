//! The full-screen view. The program gets a terminal of its own (a pseudo-terminal) as long as it lasts, whose output is shown in a
//! pane, so that neither spoils the other's screen.

mod draw;
mod output;

use crate::commands::misc::execute;
use crate::session::{Cx, Session};
use crossterm::cursor::Show;
use crossterm::queue;
use crossterm::style::{Attribute, SetAttribute};
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen};
use draw::Picture;
use emu_stub::{Error, Inferior, State};
use output::Log;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{
    OptionalActions, Termios, Winsize, tcgetattr, tcgetwinsize, tcsetattr, tcsetwinsize,
};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::sync::Mutex;

/// How often the size of the terminal is looked at. A handler for its signal would take the program's place.
const LOOK: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 200_000_000,
};

/// How the terminal is brought back, from wherever that is needed.
static RESTORE: Mutex<Option<(OwnedFd, Termios)>> = Mutex::new(None);

/// Gives the terminal back as it was before the full-screen view, if that is on. For crashes: nothing else is touched.
pub fn restore_terminal() {
    // A crash inside of this very function finds it locked.
    let Ok(mut saved) = RESTORE.try_lock() else {
        return;
    };
    if let Some((fd, termios)) = saved.take() {
        let mut bytes: Vec<u8> = Vec::new();
        let _ = queue!(
            bytes,
            SetAttribute(Attribute::Reset),
            Show,
            LeaveAlternateScreen
        );
        let _ = rustix::io::write(&fd, &bytes);
        let _ = tcsetattr(&fd, OptionalActions::Drain, &termios);
    }
}

/// The terminal that the program has meanwhile.
struct Pty {
    master: File,
    path: PathBuf,
    /// Kept open: a terminal that nobody has open reads as gone.
    _slave: File,
}

/// The view.
pub struct View {
    tty: File,
    size: (u16, u16),
    pty: Option<Pty>,
    log: Log,
    picture: Picture,
    /// The program runs.
    running: bool,
    disassembly: bool,
    /// A command that is being typed.
    typed: Option<String>,
}

impl Pty {
    /// A terminal for the program, with these settings.
    fn new(guest: &Termios, size: Winsize) -> Option<Pty> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = openpt(flags).ok()?;
        grantpt(&master).ok()?;
        unlockpt(&master).ok()?;
        let name = ptsname(&master, Vec::new()).ok()?;
        let path = PathBuf::from(name.to_str().ok()?);
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let slave = File::from(rustix::fs::open(&path, flags, Mode::empty()).ok()?);
        let _ = tcsetattr(&slave, OptionalActions::Now, guest);
        let _ = tcsetwinsize(&slave, size);
        Some(Pty {
            master: File::from(master),
            path,
            _slave: slave,
        })
    }
}

impl View {
    /// Takes the screen over.
    fn enter(tty: File, guest: &Termios, inferior: &mut dyn Inferior) -> Option<View> {
        let own = tcgetattr(&tty).ok()?;
        let saved = (tty.try_clone().ok()?.into(), own.clone());
        let mut raw = own;
        raw.make_raw();
        tcsetattr(&tty, OptionalActions::Drain, &raw).ok()?;
        if let Ok(mut restore) = RESTORE.lock() {
            *restore = Some(saved);
        }
        let mut view = View {
            size: (80, 24),
            pty: None,
            tty,
            log: Log::default(),
            picture: Picture::default(),
            running: false,
            disassembly: false,
            typed: None,
        };
        let mut bytes: Vec<u8> = Vec::new();
        let _ = queue!(bytes, EnterAlternateScreen);
        view.show(&bytes);
        view.look();
        view.pty = Pty::new(guest, view.winsize());
        view.give_terminal(inferior);
        Some(view)
    }

    /// Gives the program its terminal: also one that has just been started.
    pub fn give_terminal(&mut self, inferior: &mut dyn Inferior) {
        let given = match &self.pty {
            Some(pty) => inferior.set_terminal(Some(&pty.path)),
            None => Err(Error::WrongState("there are no pseudo-terminals left")),
        };
        // A core has no output that could spoil anything.
        if let Err(e) = given
            && inferior.capabilities().resume
            && !matches!(inferior.state(), State::Stopped(stop) if stop.is_exit())
        {
            let text = format!("no terminal for the program, whose output spoils the view: {e}");
            self.log.say(&text);
        }
    }

    fn winsize(&self) -> Winsize {
        Winsize {
            ws_row: (self.size.1 / 4).max(3),
            ws_col: self.size.0,
            ws_xpixel: 0,
            ws_ypixel: 0,
        }
    }

    fn show(&mut self, bytes: &[u8]) {
        // A terminal that has gone is found out by reading.
        let _ = self.tty.write_all(bytes);
        let _ = self.tty.flush();
    }

    /// Takes note of the terminal's size; whether it has changed.
    fn look(&mut self) -> bool {
        let Ok(size) = tcgetwinsize(&self.tty) else {
            return false;
        };
        let now = (size.ws_col, size.ws_row);
        if now == self.size || now.0 == 0 || now.1 == 0 {
            return false;
        }
        self.size = now;
        if let Some(pty) = &self.pty {
            let _ = tcsetwinsize(&pty.master, self.winsize());
        }
        true
    }

    /// Reads what the program has written.
    fn drain(&mut self) {
        let mut buf = [0; 16 * 1024];
        for _ in 0..64 {
            let Some(pty) = &mut self.pty else { return };
            let mut fds = [PollFd::new(&pty.master, PollFlags::IN)];
            let now = Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            };
            if !matches!(poll(&mut fds, Some(&now)), Ok(n) if n > 0) {
                return;
            }
            match pty.master.read(&mut buf) {
                Ok(n) if n > 0 => self.log.program(&buf[..n]),
                _ => return,
            }
        }
    }

    /// Waits for a key, the program's output or, while it runs, its stop; looks after the screen meanwhile. Keys are returned
    /// while it is stopped, and go to the program while it runs. `None`: the terminal has gone, or the program has stopped.
    fn wait(&mut self, stop: Option<BorrowedFd<'_>>, interrupt: &mut bool) -> Option<Vec<u8>> {
        loop {
            let (key, out, stopped) = {
                let mut fds = vec![PollFd::new(&self.tty, PollFlags::IN)];
                if let Some(stop) = &stop {
                    fds.push(PollFd::new(stop, PollFlags::IN));
                }
                let at = fds.len();
                if let Some(pty) = &self.pty {
                    fds.push(PollFd::new(&pty.master, PollFlags::IN));
                }
                match poll(&mut fds, Some(&LOOK)) {
                    Ok(_) | Err(rustix::io::Errno::INTR) => {}
                    Err(_) => return None,
                }
                let ready = |i: usize| fds.get(i).is_some_and(|f| !f.revents().is_empty());
                (ready(0), ready(at), stop.is_some() && ready(1))
            };
            let resized = self.look();
            if out {
                self.drain();
            }
            if resized || out {
                self.draw();
            }
            if stopped {
                return None;
            }
            if key {
                let mut buf = [0; 256];
                let n = match self.tty.read(&mut buf) {
                    Ok(n) if n > 0 => n,
                    _ => return None,
                };
                if stop.is_none() {
                    return Some(buf[..n].to_vec());
                }
                for b in &buf[..n] {
                    match (b, &mut self.pty) {
                        (3, _) => *interrupt = true,
                        (b, Some(pty)) => {
                            let _ = pty.master.write_all(&[*b]);
                        }
                        _ => {}
                    }
                }
                if *interrupt {
                    return Some(Vec::new());
                }
            }
        }
    }

    /// Waits for the program to stop.
    pub fn wait_for_stop(&mut self, inferior: &mut dyn Inferior) {
        let mut interrupt = false;
        {
            let Some(fd) = inferior.stop_fd() else { return };
            self.running = true;
            // A step that is over at once need not be seen.
            let mut fds = [PollFd::new(&fd, PollFlags::IN)];
            let soon = Timespec {
                tv_sec: 0,
                tv_nsec: 30_000_000,
            };
            if !matches!(poll(&mut fds, Some(&soon)), Ok(n) if n > 0) {
                self.draw();
                self.wait(Some(fd), &mut interrupt);
            }
            self.running = false;
        }
        if interrupt {
            let _ = inferior.interrupt();
        }
        self.drain();
    }

    /// Leaves the screen as it was; what the program has written meanwhile follows on it.
    fn leave(mut self, inferior: &mut dyn Inferior) {
        self.drain();
        // One that has ended has no terminal.
        let _ = inferior.set_terminal(None);
        self.pty = None;
        let raw = self.log.take_raw();
        restore_terminal();
        let _ = self.tty.write_all(&raw);
    }
}

const HELP: &str = "\
s step   n next   i stepi   o nexti   c continue   f finish   b break at this line   B delete breakpoints
u up   d down   Tab source or disassembly   t next thread   r registers of the last stop are compared: bold has changed
: a command of the prompt   Ctrl-L draw again   q leave (the program stays)   Ctrl-C stops the program while it runs";

/// The full-screen view, until the user leaves it.
pub fn run(
    session: &mut Session,
    inferior: &mut (dyn Inferior + 'static),
    tty: &File,
) -> Result<(), String> {
    let guest = match &session.terminal {
        Some(t) => t.guest_settings(),
        None => return Err("the full-screen view needs a terminal".into()),
    };
    let Ok(copy) = tty.try_clone() else {
        return Err("no more descriptors".into());
    };
    let Some(view) = View::enter(copy, &guest, inferior) else {
        return Err("the terminal cannot be used for a full-screen view".into());
    };
    // The terminal is the view's: the program has another one.
    let shared = session.terminal.take();
    session.view = Some(view);
    converse(session, inferior);
    if let Some(view) = session.view.take() {
        view.leave(inferior);
    }
    session.terminal = shared;
    Ok(())
}

fn converse(session: &mut Session, inferior: &mut (dyn Inferior + 'static)) {
    refresh(session, inferior);
    loop {
        let Some(view) = &mut session.view else {
            return;
        };
        let Some(keys) = view.wait(None, &mut false) else {
            return;
        };
        for command in read_keys(view, &keys) {
            match command {
                Key::Leave => return,
                Key::Run(line) => run_line(session, inferior, &line),
                Key::Code => {
                    if let Some(v) = &mut session.view {
                        v.disassembly = !v.disassembly;
                    }
                }
                Key::Help => {
                    if let Some(v) = &mut session.view {
                        v.log.say(HELP);
                    }
                }
                Key::Draw => {}
            }
            if session.quit.is_some() || session.detached {
                return;
            }
        }
        refresh(session, inferior);
    }
}

/// What a key means.
enum Key {
    Leave,
    Run(String),
    Code,
    Help,
    Draw,
}

fn read_keys(view: &mut View, keys: &[u8]) -> Vec<Key> {
    let mut found = Vec::new();
    // Arrows and other keys that send sequences.
    if view.typed.is_none() && keys.starts_with(b"\x1b") {
        found.push(match keys {
            b"\x1b[A" | b"\x1bOA" => Key::Run("up".into()),
            b"\x1b[B" | b"\x1bOB" => Key::Run("down".into()),
            b"\x1b[C" | b"\x1bOC" => Key::Run("next".into()),
            _ => Key::Draw,
        });
        return found;
    }
    for k in String::from_utf8_lossy(keys).chars() {
        if let Some(typed) = &mut view.typed {
            match k {
                '\r' | '\n' => {
                    let line = view.typed.take().unwrap_or_default();
                    found.push(Key::Run(line));
                }
                '\x1b' | '\x03' => view.typed = None,
                '\x7f' | '\x08' => {
                    if typed.pop().is_none() {
                        view.typed = None;
                    }
                }
                '\x15' => typed.clear(),
                c if c.is_control() => {}
                c => typed.push(c),
            }
            found.push(Key::Draw);
            continue;
        }
        let line = match k {
            's' => "step",
            'n' => "next",
            'i' => "stepi",
            'o' => "nexti",
            'c' => "continue",
            'f' => "finish",
            'b' => "break",
            'B' => "delete",
            'u' => "up",
            'd' => "down",
            'q' | '\x04' => {
                found.push(Key::Leave);
                continue;
            }
            '\t' => {
                found.push(Key::Code);
                continue;
            }
            '?' | 'h' => {
                found.push(Key::Help);
                continue;
            }
            ':' => {
                view.typed = Some(String::new());
                found.push(Key::Draw);
                continue;
            }
            't' => {
                found.push(Key::Run("thread next".into()));
                continue;
            }
            _ => {
                found.push(Key::Draw);
                continue;
            }
        };
        found.push(Key::Run(line.into()));
    }
    found
}

fn run_line(session: &mut Session, inferior: &mut (dyn Inferior + 'static), line: &str) {
    let mut out = String::new();
    let mut cx = Cx {
        inf: inferior,
        s: session,
        out: &mut out,
        args: "",
    };
    let line = if line == "thread next" {
        let threads = cx.inf.threads();
        let Ok(tid) = cx.tid() else { return };
        let at = threads.iter().position(|t| *t == tid).map_or(0, |i| i + 1);
        let next = threads.get(at).or(threads.first()).copied().unwrap_or(tid);
        format!("thread {}", cx.thread_number(next))
    } else {
        line.to_owned()
    };
    let result = execute(&mut cx, &line);
    if let Err(e) = result {
        out += &e.to_string();
    }
    session.full_screen = false;
    if let Some(view) = &mut session.view {
        view.log.say(&out);
    }
}

/// Looks at the program again, and draws.
fn refresh(session: &mut Session, inferior: &mut (dyn Inferior + 'static)) {
    let Some(mut view) = session.view.take() else {
        return;
    };
    view.drain();
    let mut nothing = String::new();
    let mut cx = Cx {
        inf: inferior,
        s: session,
        out: &mut nothing,
        args: "",
    };
    view.picture = cx.picture(view.disassembly, view.size.1.into());
    view.draw();
    session.view = Some(view);
}
