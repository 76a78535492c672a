//! One direction of a link on its way through the faults of a plan.

use super::plan::{Direction, Fault, Marks, Plan};

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// At most so many bytes pass as they are, at least one.
    Pass(usize),
    /// One byte passes, by this mask another.
    Corrupt(u8),
    /// At most so many bytes are lost, at least one.
    Drop(usize),
    /// These bytes are put in.
    Insert(Vec<u8>),
    /// Wait so many milliseconds, once.
    Delay(u64),
    /// Wait until so many bytes are there or no more come soon, once.
    Gather(usize),
    /// The stream is over, for good.
    End,
    /// The link is broken, for good.
    Reset,
    /// Nothing more happens, for good.
    Stall,
}

/// One direction of a link: where it is, and what it has seen.
#[derive(Debug)]
pub struct Lane {
    marks: Marks,
    offset: u64,
    dropping: usize,
    corrupting: Option<u8>,
    over: Option<Step>,
    lied: bool,
}

impl Lane {
    /// The direction of this link, before its first byte.
    pub fn new(plan: &Plan, link: usize, direction: Direction) -> Self {
        let marks = plan.marks(link, direction);
        Self { marks, offset: 0, dropping: 0, corrupting: None, over: None, lied: false }
    }

    /// Whether bytes were lost, changed or put in.
    pub fn has_lied(&self) -> bool {
        self.lied
    }

    /// What is to be done next. After `Pass`, `Corrupt` and `Drop`, [`advance`](Self::advance) says how much was done.
    pub fn step(&mut self) -> Step {
        if let Some(over) = &self.over {
            return over.clone();
        }
        while self.corrupting.is_none() && self.dropping == 0 {
            match self.marks.distance(self.offset) {
                0 => {}
                distance => return Step::Pass(usize::try_from(distance).unwrap_or(usize::MAX)),
            }
            let fault = self.marks.take(self.offset);
            self.lied |= fault.as_ref().is_some_and(Fault::lies);
            match fault {
                // The boundary is where the last passage ended; the next one starts anew.
                None | Some(Fault::Split) => {}
                Some(Fault::Coalesce(bytes)) => return Step::Gather(bytes),
                Some(Fault::Delay(ms)) => return Step::Delay(ms),
                Some(Fault::Insert(bytes)) => return Step::Insert(bytes),
                Some(Fault::Drop(bytes)) => self.dropping = bytes,
                Some(Fault::Corrupt(mask)) => self.corrupting = Some(mask),
                Some(Fault::End) => return self.ends_with(Step::End),
                Some(Fault::Reset) => return self.ends_with(Step::Reset),
                Some(Fault::Stall) => return self.ends_with(Step::Stall),
            }
        }
        match self.corrupting {
            Some(mask) => Step::Corrupt(mask),
            None => Step::Drop(self.dropping),
        }
    }

    fn ends_with(&mut self, step: Step) -> Step {
        self.over = Some(step.clone());
        step
    }

    /// So many bytes are behind.
    pub fn advance(&mut self, bytes: usize) {
        self.offset += bytes as u64;
        self.dropping = self.dropping.saturating_sub(bytes);
        self.corrupting = None;
    }
}
