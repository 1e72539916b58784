//! What a kqueue does with the news of processes: it tells of them, and tracks children.

use super::super::note;
use super::*;

impl Queue {
    /// Has a process tell what it does, as far as somebody wants to know.
    pub(super) fn follow(&mut self, pid: i32, wanted: u32) -> SysResult<()> {
        if !note::wants_news(wanted) {
            return Ok(());
        }
        let tracks = wanted & note::NOTE_TRACK != 0;
        if let Some(listener) = &mut self.listener {
            if listener.follow(pid, tracks) {
                return Ok(());
            }
            self.hear();
        }
        let listener = Listener::new(pid, tracks)?;
        let data = tag::NEWS << 32;
        control(self.epoll, CTL_ADD, listener.number(), probe::IN, data)?;
        self.listener = Some(listener);
        Ok(())
    }

    /// What processes have told.
    pub(super) fn hear(&mut self) {
        let Some(listener) = &self.listener else {
            return;
        };
        for news in listener.news() {
            self.heard(news);
        }
    }

    fn heard(&mut self, news: News) {
        let key = (news.process() as u64, filter::PROC);
        let Some(&id) = self.index.get(&key) else {
            if self.early.len() < MOST_EARLY {
                self.early.push(news);
            }
            return;
        };
        let Some(note) = self.notes.get_mut(&id) else {
            return;
        };
        match news {
            News::Exec(_) => note.tell(note::NOTE_EXEC),
            News::Lost(..) => note.tell(note::NOTE_TRACKERR),
            // That it has ended the host tells.
            News::Exit(_, status) => {
                note.status = Some(status.into());
                return;
            }
            News::Fork(_, child) => {
                note.tell(note::NOTE_FORK);
                if note.wanted() & note::NOTE_TRACK != 0 {
                    let change = note.for_child(child);
                    self.track(&change, child);
                }
            }
        }
        self.activate(id);
    }

    /// The child of a process that is tracked: it is told of once, and tracked itself.
    fn track(&mut self, change: &Kevent, child: i32) {
        self.last += 1;
        let once = self.last;
        let mut note = Knote::new(change);
        note.flags |= ev::ONESHOT | ev::CLEAR;
        note.source = Source::Child;
        self.notes.insert(once, note);
        self.activate(once);
        if let Some(listener) = &mut self.listener {
            listener.follows_itself(child);
        }
        let change = Kevent { data: 0, ..*change };
        if !self.index.contains_key(&(change.ident.0, change.filter)) {
            match self.add(&change, None) {
                Ok(_) => {}
                // It has ended already, and somebody has waited for it.
                Err(_) => {
                    self.last += 1;
                    let id = self.last;
                    let mut note = Knote::new(&change);
                    note.source = Source::Process(None);
                    self.index.insert((change.ident.0, change.filter), id);
                    self.notes.insert(id, note);
                    self.activate(id);
                }
            }
        }
        let early = std::mem::take(&mut self.early).into_iter();
        let (now, later): (Vec<News>, _) = early.partition(|news| news.process() == child);
        self.early = later;
        for news in now {
            self.heard(news);
        }
    }
}
