//! The thread that serves: a debugger, a prompt, or the process that has the session.

use super::*;

/// What serves the guest of this process.
pub(super) struct Service {
    pub(super) control: Arc<Control>,
    pub(super) process: Arc<Process>,
    pub(super) program: Program,
    pub(super) mode: u32,
    pub(super) tracers: Tracers,
    pub(super) statistics: Option<Statistics>,
}

/// Where debuggers connect.
pub(super) struct Entrance {
    listener: Option<Listener>,
    socket: Option<Arc<SocketFile>>,
    /// It is this process's, and not another one's by now.
    ours: Arc<AtomicBool>,
}

/// A session on its way here.
pub(super) struct Opened {
    entrance: Entrance,
    /// The debugger that has it, if there is one.
    debugger: Option<(Stream, SavedSession)>,
    /// Channels of the relatives that are served along with it.
    others: Vec<Channel>,
    wishes: Wishes,
}

impl Entrance {
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
    pub(super) fn live(&self) -> Live {
        let (process, control) = (self.process.clone(), self.control.clone());
        let mut live = Live::new(process, control, self.program.clone(), self.mode);
        live.set_tracing(self.tracers.missing.clone(), self.tracers.trace.clone());
        if let Some(tell) = &self.statistics {
            live.set_statistics(tell.clone());
        }
        live
    }

    /// Serves the guest to another process, and debuggers themselves once the session moves here.
    pub(super) fn relay(&self, mut live: Live, channel: Channel) {
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
                let opened = self.open(*session, descriptors, socket);
                self.adopt(live, opened);
            }
        }
    }

    /// Serves the guest and its relatives to a prompt, with which they end unless it lets them go.
    pub(super) fn serve_prompt(&self, live: Live, relay: Relay) {
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

    /// What a session that another process or program had comes with. From here on a program that the guest executes finds it.
    pub(super) fn open(
        &self,
        session: Session,
        descriptors: Vec<OwnedFd>,
        socket: Option<Arc<SocketFile>>,
    ) -> Opened {
        let mut descriptors = descriptors.into_iter();
        let stream = session.saved.as_ref().and_then(|_| descriptors.next());
        let stream = stream.map(|fd| match session.unix {
            true => Stream::Unix(fd.into()),
            false => Stream::Tcp(fd.into()),
        });
        let listener = session.listens.then(|| descriptors.next()).flatten();
        let listener = listener.map(|fd| Listener::adopt(fd, session.path));
        Opened {
            entrance: self.entrance(listener, socket),
            debugger: stream.zip(session.saved),
            others: descriptors.map(Channel::new).collect(),
            wishes: session.wishes,
        }
    }

    /// Where debuggers connect, to a program that the guest executes, too.
    pub(super) fn entrance(
        &self,
        listener: Option<Listener>,
        socket: Option<Arc<SocketFile>>,
    ) -> Entrance {
        let entrance = Entrance {
            listener,
            socket,
            ours: Arc::new(AtomicBool::new(true)),
        };
        self.offer(&entrance);
        entrance
    }

    /// Goes on with a session that another process or program had.
    pub(super) fn adopt(&self, live: Live, opened: Opened) {
        let mut family = Family::new(live);
        family.adopt(opened.others);
        self.control.set_wishes(&opened.wishes);
        self.serve(family, opened.entrance, opened.debugger);
    }

    /// Serves debuggers, one after the other, from the one on that has a session already, if there is one.
    pub(super) fn serve(
        &self,
        family: Family,
        entrance: Entrance,
        session: Option<(Stream, SavedSession)>,
    ) {
        // For as long as the process lives, as the thread: whoever serves has it in turn.
        let mut inferior: &'static mut (dyn Inferior + 'static) = Box::leak(Box::new(family));
        // `monitor` has the prompt's commands.
        let server = Server::new(&[emu_repl::COMMANDS], || {
            Box::new(emu_repl::Session::for_monitor())
        });
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
