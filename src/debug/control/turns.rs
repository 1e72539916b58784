//! Who serves the debugger, and when: the server's own thread, or the guest's thread that has stopped.

use super::*;

impl Control {
    pub(super) fn conversation(&self) -> MutexGuard<'_, Option<Conversation<'static>>> {
        self.generation()
            .conversation
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves the debugger from a guest thread that has stopped, until it lets the guest run. The thread counts as parked.
    pub(super) fn serve_stop(&self) {
        let mut conversation = self.conversation();
        loop {
            let turn = match &mut *conversation {
                Some(conversation) => conversation.serve_stopped(),
                // Cannot be: it is there for as long as the server is not `Own`.
                None => Turn::Ended(Ended::Disconnected),
            };
            let mut state = self.lock();
            match (turn, &state.run) {
                // Another thread has had an event since the resume.
                (Turn::Running, Run::Event(_)) => continue,
                (Turn::Running, Run::Running) => {
                    state.server = Server::Nobody;
                    state.served += 1;
                    if std::mem::take(&mut state.asleep) {
                        self.server_changed().notify_all();
                    }
                }
                (Turn::Ended(ended), _) => {
                    state.server = Server::Ended(ended);
                    self.server_changed().notify_all();
                }
                (Turn::Running | Turn::Stopped | Turn::Moving, _) => {
                    state.server = Server::Own;
                    self.server_changed().notify_all();
                }
            }
            return;
        }
    }

    /// Serves a debugger to the end of its session, or until the session is to move. Called by the server's own thread.
    pub fn serve(&self, conversation: Conversation<'static>) -> Option<Served> {
        *self.conversation() = Some(conversation);
        let ended = self.serve_in_turn();
        let killed = self.lock().killed;
        let conversation = self.conversation().take()?;
        Some(match ended {
            None => Served::Moving(Box::new(conversation)),
            Some(ended) => {
                let ended = if killed { Ended::Killed } else { ended };
                Served::Ended(ended, conversation.end(ended))
            }
        })
    }

    /// `None`: the session is to move.
    fn serve_in_turn(&self) -> Option<Ended> {
        let serve = |part: fn(&mut Conversation<'static>) -> Turn| match &mut *self.conversation() {
            Some(conversation) => part(conversation),
            None => Turn::Ended(Ended::Disconnected),
        };
        loop {
            match serve(Conversation::serve_stopped) {
                Turn::Ended(ended) => return Some(ended),
                Turn::Moving => return None,
                Turn::Running | Turn::Stopped => {}
            }
            if let Some(ended) = self.wait_for_turn() {
                return Some(ended);
            }
            match serve(Conversation::serve_running) {
                Turn::Ended(ended) => return Some(ended),
                Turn::Moving => return None,
                Turn::Running | Turn::Stopped => {}
            }
        }
    }

    /// Lets the guest's threads serve its stops for as long as they follow each other quickly. Returns when the server's own
    /// thread is to serve, or with the end of the session.
    fn wait_for_turn(&self) -> Option<Ended> {
        let mut state = self.lock();
        if matches!(state.run, Run::Running) {
            state.server = Server::Nobody;
        }
        let mut quiet = false;
        loop {
            match state.server {
                Server::Own => return None,
                Server::Ended(ended) => {
                    state.server = Server::Own;
                    return Some(ended);
                }
                Server::Nobody if quiet => {
                    state.server = Server::Own;
                    return None;
                }
                Server::Guest if quiet => {
                    state.asleep = true;
                    while state.asleep && matches!(state.server, Server::Guest) {
                        state = self
                            .server_changed()
                            .wait(state)
                            .unwrap_or_else(PoisonError::into_inner);
                    }
                    state.asleep = false;
                    quiet = false;
                    continue;
                }
                Server::Nobody | Server::Guest => {}
            }
            let served = state.served;
            let (after, timeout) = self
                .server_changed()
                .wait_timeout(state, QUIET)
                .unwrap_or_else(PoisonError::into_inner);
            state = after;
            quiet = timeout.timed_out() && state.served == served;
        }
    }
}
