//! `-g`: serving a debugger beside the running guest.

use super::Failure;
use super::engine::Statistics;
use super::run::Tracers;
use crate::debug::relay::{self, Channel, Relayed, Session, Wishes};
use crate::debug::{Control, Family, Inheritance, Live, Program, Served};
use crate::host;
use crate::process::{End, Observer, Process, Signal, Thread};
use emu_stub::{
    Conversation, Ended, Endpoint, Inferior, Listener, Resume, ResumePlan, SavedSession, Server,
    Stream,
};
use std::net::TcpStream;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering::SeqCst};

/// A debugger's way in, bound but not served yet.
pub(super) struct Door {
    control: Arc<Control>,
    /// A unix socket's file, which is removed at the end.
    socket: Option<Arc<SocketFile>>,
    way: Way,
}

/// How the guest comes to a debugger.
enum Way {
    /// One connects.
    Listen(Listener),
    /// This program goes on with a session that the one before it had.
    Session(Session, Vec<OwnedFd>),
    /// Another process serves the session, at the other end.
    Relay(Relay),
}

/// A session that another process serves.
struct Relay {
    channel: Channel,
    wishes: Wishes,
    /// Channels of relatives, which are served along.
    others: Vec<Channel>,
    /// It is a prompt's, with which the guest ends.
    prompt: bool,
    /// The guest has come of an `execve`, rather than been started for it.
    executed: bool,
}

/// What `-g` was given.
fn parse(text: &str) -> Result<(Endpoint, bool), Failure> {
    let (address, suspend) = match text.split_once(",suspend=") {
        None => (text, true),
        Some((address, "y")) => (address, true),
        Some((address, "n")) => (address, false),
        Some((_, other)) => {
            return Err(Failure::usage(format!(
                "-g takes suspend=y or suspend=n, not '{other}'"
            )));
        }
    };
    let endpoint =
        Endpoint::parse(address).map_err(|why| Failure::usage(format!("-g {address}: {why}")))?;
    Ok((endpoint, suspend))
}

/// Binds what `-g` was given: the listener, the unix socket's file if it is one, and whether the guest waits.
///
/// # Errors
/// A wrong address, or one in use.
pub(super) fn listen(text: &str) -> Result<(Listener, Option<PathBuf>, bool), Failure> {
    let (endpoint, suspend) = parse(text)?;
    let listener = Listener::bind(&endpoint).map_err(|e| {
        let hint = if e.kind() == std::io::ErrorKind::AddrInUse {
            "another program listens there; choose another one, or 0 for a free port"
        } else {
            "give PORT, HOST:PORT or the path of a socket to create"
        };
        let why = e.to_string();
        let why = why.split(" (os error").next().unwrap_or_default();
        Failure {
            text: format!("-g {endpoint}: {why}; {hint}"),
            status: 1,
        }
    })?;
    let socket = match &endpoint {
        Endpoint::Unix(path) => Some(path.clone()),
        Endpoint::Tcp(address) => {
            if address.ends_with(":0")
                && let Ok(real) = listener.endpoint()
            {
                eprintln!("emu: listening on {real}");
            }
            None
        }
    };
    Ok((listener, socket, suspend))
}

impl Door {
    /// Binds the address, before anything of the guest exists.
    ///
    /// # Errors
    /// A wrong address, or one in use.
    pub(super) fn open(text: &str) -> Result<Door, Failure> {
        let (listener, socket, suspend) = listen(text)?;
        let listener = match host::fd::duplicate(listener.as_fd()) {
            Ok(high) => {
                listener.leave();
                Listener::adopt(high, socket.clone())
            }
            Err(_) => listener,
        };
        Ok(Door {
            control: new_control(suspend, false)?,
            socket: socket.map(|path| Arc::new(SocketFile::new(path))),
            way: Way::Listen(listener),
        })
    }

    /// The way that the emulator leaves in descriptor `fd` that has executed this one for another program of its guest.
    ///
    /// # Errors
    /// It is no such descriptor.
    pub(super) fn inherit(fd: i32) -> Result<Door, Failure> {
        let failure = |e: std::io::Error| Failure {
            text: format!(
                "--debug-session {fd}: {e}; the option is emu's own, for programs that it executes"
            ),
            status: 1,
        };
        let adopt = |fd| host::fd::adopt(fd).map_err(failure);
        Ok(match Inheritance::read(fd).map_err(failure)? {
            Inheritance::Relay {
                channel,
                wishes,
                others,
                prompt,
            } => {
                let channel = Channel::new(adopt(channel)?);
                let others = others.into_iter().map(adopt);
                let others = others.map(|fd| fd.map(Channel::new));
                Door::relayed(Relay {
                    channel,
                    wishes,
                    others: others.collect::<Result<_, _>>()?,
                    prompt,
                    executed: true,
                })?
            }
            Inheritance::Session {
                session,
                descriptors,
            } => {
                let descriptors = descriptors.into_iter().map(adopt);
                Door {
                    control: new_control(session.debugged, false)?,
                    socket: session
                        .path
                        .clone()
                        .map(|path| Arc::new(SocketFile::new(path))),
                    way: Way::Session(*session, descriptors.collect::<Result<_, _>>()?),
                }
            }
        })
    }

    /// The way to a prompt in another process. `fd` is the connection, by the number that the prompt's process gave it.
    ///
    /// # Errors
    /// There is no connection, or no more descriptors.
    pub(super) fn to_prompt(fd: i32) -> Result<Door, Failure> {
        let channel = host::fd::adopt(fd).map_err(|e| Failure {
            text: format!("--prompt-fd={fd}: {e}"),
            status: 1,
        })?;
        Door::relayed(Relay {
            channel: Channel::new(channel),
            wishes: Wishes::default(),
            others: Vec::new(),
            prompt: true,
            executed: false,
        })
    }

    fn relayed(relay: Relay) -> Result<Door, Failure> {
        Ok(Door {
            control: new_control(true, relay.prompt)?,
            socket: None,
            way: Way::Relay(relay),
        })
    }

    /// Those who are to be told of the guest's events.
    pub(super) fn observers(&self) -> Vec<Arc<dyn Observer>> {
        let mut all: Vec<Arc<dyn Observer>> = vec![self.control.clone()];
        all.extend(self.socket.iter().map(|s| s.clone() as _));
        all
    }

    /// Serves debuggers from a thread of its own. Call with all signals blocked, which that thread inherits.
    ///
    /// # Errors
    /// No more threads.
    pub(super) fn serve(
        self,
        process: Arc<Process>,
        program: Program,
        mode: u32,
        tracers: &Tracers,
        statistics: Option<Statistics>,
    ) -> Result<(), Failure> {
        let service = Arc::new(Service {
            control: self.control.clone(),
            process,
            program,
            mode,
            tracers: tracers.clone(),
            statistics,
        });
        // A child of a fork that the debugger wants has this service too, in its own memory.
        let children = service.clone();
        self.control.set_service(Box::new(move |channel| {
            let service = children.clone();
            // Out of threads: the child stays stopped, and the debugger is told that it is gone.
            let _ = in_thread(move || {
                let mut live = service.live();
                live.inherit_breakpoints();
                service.relay(live, channel);
            });
        }));
        let (way, socket) = (self.way, self.socket);
        in_thread(move || match way {
            Way::Listen(listener) => {
                let entrance = Entrance::new(Some(listener), socket);
                service.serve(Family::new(service.live()), entrance, None);
            }
            Way::Session(session, descriptors) => {
                let mut live = service.live();
                if session.debugged {
                    live.begin_after_exec();
                }
                service.adopt(live, session, descriptors, socket);
            }
            Way::Relay(relay) => {
                service.control.set_wishes(&relay.wishes);
                let mut live = service.live();
                if relay.executed {
                    live.begin_after_exec();
                } else {
                    live.attach();
                }
                if relay.prompt {
                    service.serve_prompt(live, relay);
                } else {
                    service.relay(live, relay.channel);
                }
            }
        })
        .map_err(|e| Failure {
            text: format!("-g: no thread for the debugger: {e}"),
            status: 1,
        })
    }
}

/// `prompt`: the guest's end waits for the user, however long it takes.
fn new_control(suspend: bool, prompt: bool) -> Result<Arc<Control>, Failure> {
    let control = Control::new(suspend).map_err(|e| Failure {
        text: format!("no descriptors for the debugger: {e}"),
        status: 1,
    })?;
    Ok(Arc::new(if prompt {
        control.with_patience()
    } else {
        control
    }))
}

fn in_thread(work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    let thread = std::thread::Builder::new().name("debugger".into());
    thread.spawn(work).map(drop)
}

/// What serves the guest of this process.
struct Service {
    control: Arc<Control>,
    process: Arc<Process>,
    program: Program,
    mode: u32,
    tracers: Tracers,
    statistics: Option<Statistics>,
}

/// Where debuggers connect.
struct Entrance {
    listener: Option<Listener>,
    socket: Option<Arc<SocketFile>>,
    /// It is this process's, and not another one's by now.
    ours: Arc<AtomicBool>,
}

impl Entrance {
    fn new(listener: Option<Listener>, socket: Option<Arc<SocketFile>>) -> Entrance {
        Entrance {
            listener,
            socket,
            ours: Arc::new(AtomicBool::new(true)),
        }
    }

    /// What another process or program has to know of it, with a session that may be open.
    fn describe(&self, saved: Option<SavedSession>, unix: bool, wishes: Wishes) -> Session {
        Session {
            saved,
            unix,
            path: self.socket.as_ref().and_then(|s| s.path()),
            listens: self.listener.is_some(),
            debugged: true,
            prompt: false,
            wishes,
            others: Vec::new(),
        }
    }

    /// The descriptors of a session, in the order of [`Session`].
    fn descriptors<'a>(&'a self, stream: Option<&'a Stream>) -> Vec<BorrowedFd<'a>> {
        let listener = self.listener.as_ref().map(Listener::as_fd);
        stream
            .map(Stream::as_fd)
            .into_iter()
            .chain(listener)
            .collect()
    }

    /// Somebody else has it now.
    fn leave(self) {
        self.ours.store(false, SeqCst);
        if let Some(socket) = &self.socket {
            socket.leave();
        }
        if let Some(listener) = self.listener {
            let fd = listener.as_fd().as_raw_fd();
            listener.leave();
            host::fd::forget(fd);
        }
    }
}

impl Service {
    fn live(&self) -> Live {
        let (process, control) = (self.process.clone(), self.control.clone());
        let mut live = Live::new(process, control, self.program.clone(), self.mode);
        live.set_tracing(self.tracers.missing.clone(), self.tracers.trace.clone());
        if let Some(tell) = &self.statistics {
            live.set_statistics(tell.clone());
        }
        live
    }

    /// Serves the guest to another process, and debuggers themselves once the session moves here.
    fn relay(&self, mut live: Live, channel: Channel) {
        self.control.set_connected(&self.process, true);
        self.control.set_descriptors(&[channel.as_fd()]);
        match relay::serve(&mut live, &channel) {
            Relayed::Released | Relayed::Exited => self.control.tell_end(),
            Relayed::Lost => {
                // Fails where the guest has ended meanwhile.
                let _ = live.detach(None);
                self.control.tell_end();
            }
            Relayed::Killed => host::signal::die(Signal::SIGKILL),
            // Only of a family.
            Relayed::Moved => {}
            Relayed::Adopted(session, descriptors) if session.prompt => {
                let mut channels = descriptors.into_iter().map(Channel::new);
                let Some(channel) = channels.next() else {
                    return;
                };
                let relay = Relay {
                    channel,
                    wishes: session.wishes,
                    others: channels.collect(),
                    prompt: true,
                    executed: false,
                };
                self.serve_prompt(live, relay);
            }
            Relayed::Adopted(session, descriptors) => {
                let socket = session.path.clone().map(|p| Arc::new(SocketFile::new(p)));
                self.adopt(live, *session, descriptors, socket);
            }
        }
    }

    /// Serves the guest and its relatives to a prompt, with which they end unless it lets them go.
    fn serve_prompt(&self, live: Live, relay: Relay) {
        self.control.set_connected(&self.process, true);
        self.control.set_descriptors(&[relay.channel.as_fd()]);
        let mut family = Family::new(live);
        family.adopt(relay.others);
        match relay::serve(&mut family, &relay.channel) {
            Relayed::Released | Relayed::Moved | Relayed::Adopted(..) => self.control.tell_end(),
            Relayed::Killed | Relayed::Exited | Relayed::Lost => {
                family.kill_relatives();
                host::signal::die(Signal::SIGKILL);
            }
        }
    }

    /// Goes on with a session that another process or program had.
    fn adopt(
        &self,
        live: Live,
        session: Session,
        descriptors: Vec<OwnedFd>,
        socket: Option<Arc<SocketFile>>,
    ) {
        let mut descriptors = descriptors.into_iter();
        let stream = session.saved.as_ref().and_then(|_| descriptors.next());
        let stream = stream.map(|fd| match session.unix {
            true => Stream::Unix(fd.into()),
            false => Stream::Tcp(fd.into()),
        });
        let listener = session.listens.then(|| descriptors.next()).flatten();
        let listener = listener.map(|fd| Listener::adopt(fd, session.path));
        let mut family = Family::new(live);
        family.adopt(descriptors.map(Channel::new).collect());
        self.control.set_wishes(&session.wishes);
        let entrance = Entrance::new(listener, socket);
        self.serve(family, entrance, stream.zip(session.saved));
    }

    /// Serves debuggers, one after the other, from the one on that has a session already, if there is one.
    fn serve(&self, family: Family, entrance: Entrance, session: Option<(Stream, SavedSession)>) {
        // For as long as the process lives, as the thread: whoever serves has it in turn.
        let mut inferior: &'static mut (dyn Inferior + 'static) = Box::leak(Box::new(family));
        // `monitor` has the prompt's commands.
        let server = Server::new(&[emu_repl::COMMANDS], || {
            Box::new(emu_repl::Session::for_monitor())
        });
        self.offer(&entrance);
        let mut conversation = match session {
            Some((stream, saved)) => server.restore(inferior, stream, saved),
            None => match self.await_debugger(&server, inferior, &entrance) {
                Some(conversation) => conversation,
                None => return,
            },
        };
        loop {
            let fd = conversation.stream().as_fd().as_raw_fd();
            self.note_descriptors(&entrance, &mut conversation);
            self.control.set_connected(&self.process, true);
            match self.control.serve(conversation) {
                None => return,
                Some(Served::Moving(moving)) => match self.move_session(*moving, &entrance) {
                    Some(back) => {
                        conversation = back;
                        continue;
                    }
                    None => {
                        entrance.leave();
                        self.control.tell_end();
                        return;
                    }
                },
                Some(Served::Ended(ended, back)) => {
                    self.control.set_connected(&self.process, false);
                    inferior = back;
                    host::fd::forget(fd);
                    match ended {
                        Ended::Killed => {
                            if let Some(family) = family_of(inferior) {
                                family.kill_relatives();
                            }
                            if let Some(socket) = &entrance.socket {
                                socket.remove();
                            }
                            host::signal::die(Signal::SIGKILL);
                        }
                        Ended::Exited => self.control.tell_end(),
                        // The guest stays as the debugger left it, until the next one comes.
                        Ended::Detached | Ended::Disconnected => {}
                    }
                }
            }
            conversation = match self.await_debugger(&server, inferior, &entrance) {
                Some(conversation) => conversation,
                None => return,
            };
        }
    }

    /// Children of forks are to close what is the session's.
    fn note_descriptors(&self, entrance: &Entrance, conversation: &mut Conversation<'static>) {
        let own = entrance.descriptors(Some(conversation.stream()));
        self.control.set_descriptors(&own);
        if let Some(family) = family_of(conversation.inferior()) {
            for fd in family.descriptors() {
                self.control.set_descriptor(fd, true);
            }
        }
    }

    /// A program that the guest executes while nobody debugs can be debugged as this one could.
    fn offer(&self, entrance: &Entrance) {
        let Some(listener) = &entrance.listener else {
            return;
        };
        let fd = listener.as_fd().as_raw_fd();
        self.control.set_descriptors(&[listener.as_fd()]);
        let (socket, ours) = (entrance.socket.clone(), entrance.ours.clone());
        self.control.set_undisturbed(Box::new(move || {
            if !ours.load(SeqCst) {
                return None;
            }
            let path = socket.as_ref().and_then(|s| s.path());
            Some(Inheritance::Session {
                session: Box::new(Session {
                    saved: None,
                    unix: path.is_some(),
                    path,
                    listens: true,
                    debugged: false,
                    prompt: false,
                    wishes: Wishes::default(),
                    others: Vec::new(),
                }),
                descriptors: vec![fd],
            })
        }));
    }

    /// Waits for the next debugger. `None`: there is no way in, or no descriptor or memory for it; the guest is let be.
    fn await_debugger(
        &self,
        server: &Server,
        inferior: &'static mut (dyn Inferior + 'static),
        entrance: &Entrance,
    ) -> Option<Conversation<'static>> {
        let mut inferior = inferior;
        loop {
            let stream = entrance.listener.as_ref().map(|listener| {
                self.await_knock(inferior, listener, entrance);
                listener.accept()
            });
            let Some(Ok(stream)) = stream else {
                self.control.tell_end();
                return None;
            };
            let stream = raised(stream);
            let fd = stream.as_fd().as_raw_fd();
            match server.begin(inferior, stream) {
                Ok(conversation) => return Some(conversation),
                Err(back) => {
                    inferior = back;
                    host::fd::forget(fd);
                }
            }
        }
    }

    /// Waits until a debugger knocks. A guest whose debugger was lost runs on meanwhile, and may execute another program.
    fn await_knock(
        &self,
        inferior: &mut (dyn Inferior + 'static),
        listener: &Listener,
        entrance: &Entrance,
    ) {
        if !self.control.is_attached() {
            return;
        }
        let Some(family) = family_of(inferior) else {
            return;
        };
        loop {
            if family.executes() {
                let session = entrance.describe(None, false, self.control.wishes());
                let fds = entrance.descriptors(None);
                family.pass_on(session, fds.iter().map(|fd| fd.as_raw_fd()).collect());
                let all = ResumePlan::all(Resume::Continue { signal: None });
                // It is stopped, as the call has failed.
                let _ = family.resume(all);
            }
            let Some(stop) = family.stop_fd() else {
                return;
            };
            if relay::wait_either(listener.as_fd(), stop) || !family.executes() {
                return;
            }
        }
    }

    /// Moves the session to where it is wanted. Returns the conversation if that was to no avail.
    fn move_session(
        &self,
        mut conversation: Conversation<'static>,
        entrance: &Entrance,
    ) -> Option<Conversation<'static>> {
        let unix = matches!(conversation.stream(), Stream::Unix(_));
        let saved = Some(conversation.save());
        let session = entrance.describe(saved, unix, self.control.wishes());
        let executes = family_of(conversation.inferior()).is_some_and(|f| f.executes());
        if executes {
            let fds = entrance.descriptors(Some(conversation.stream()));
            let fds = fds.iter().map(|fd| fd.as_raw_fd()).collect();
            if let Some(family) = family_of(conversation.inferior()) {
                family.pass_on(session, fds);
            }
            conversation.go_on();
            return Some(conversation);
        }
        let fds: Vec<i32> = entrance
            .descriptors(Some(conversation.stream()))
            .iter()
            .map(|fd| fd.as_raw_fd())
            .collect();
        // For the time of the call they are borrowed from two places at once, as duplicates.
        let copies: Vec<OwnedFd> = entrance
            .descriptors(Some(conversation.stream()))
            .iter()
            .filter_map(|fd| fd.try_clone_to_owned().ok())
            .collect();
        let borrowed: Vec<BorrowedFd<'_>> = copies.iter().map(|fd| fd.as_fd()).collect();
        if borrowed.len() == fds.len()
            && let Some(family) = family_of(conversation.inferior())
            && let Err(e) = family.hand_over(session, &borrowed)
        {
            eprintln!("emu: the debugger's session cannot move to another process: {e}");
        }
        let fd = conversation.stream().as_fd().as_raw_fd();
        let inferior = conversation.leave();
        host::fd::forget(fd);
        if let Some(family) = family_of(inferior)
            && family.live().has_ended()
            && family.live().was_killed()
        {
            host::signal::die(Signal::SIGKILL);
        }
        None
    }
}

fn family_of<'a>(inferior: &'a mut (dyn Inferior + 'static)) -> Option<&'a mut Family> {
    (inferior as &mut dyn std::any::Any).downcast_mut()
}

/// Moves a connection's descriptor out of the guest's way.
fn raised(stream: Stream) -> Stream {
    match stream {
        Stream::Tcp(s) => Stream::Tcp(TcpStream::from(host::fd::raise(OwnedFd::from(s)))),
        Stream::Unix(s) => Stream::Unix(UnixStream::from(host::fd::raise(OwnedFd::from(s)))),
    }
}

/// A unix socket's file, which is removed when the process ends that has it.
struct SocketFile {
    path: PathBuf,
    /// The process, or 0 for none.
    owner: AtomicI32,
}

impl SocketFile {
    fn new(path: PathBuf) -> SocketFile {
        SocketFile {
            path,
            owner: AtomicI32::new(host::pid()),
        }
    }

    fn is_ours(&self) -> bool {
        self.owner.load(SeqCst) == host::pid()
    }

    /// The file, while it is this process's.
    fn path(&self) -> Option<PathBuf> {
        self.is_ours().then(|| self.path.clone())
    }

    /// Another process has it now.
    fn leave(&self) {
        self.owner.store(0, SeqCst);
    }

    fn remove(&self) {
        if self.is_ours() {
            // Best effort: whoever removed it first has done our work.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl Observer for SocketFile {
    fn process_exit(&self, _: &mut Thread, _: End) {
        self.remove();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suspend_follows_the_address() {
        let tcp = |s: &str| Endpoint::Tcp(s.into());
        let parsed = |s: &str| parse(s).expect("good");
        assert_eq!(parsed("4567"), (tcp("127.0.0.1:4567"), true));
        assert_eq!(parsed("[::1]:1,suspend=n"), (tcp("[::1]:1"), false));
        let (endpoint, suspend) = parsed("/tmp/s.sock,suspend=n");
        assert_eq!(endpoint, Endpoint::Unix("/tmp/s.sock".into()));
        assert!(!suspend);
        assert_eq!(parse("1,suspend=maybe").expect_err("bad").status, 2);
        assert_eq!(parse("99999").expect_err("bad").status, 2);
    }
}
