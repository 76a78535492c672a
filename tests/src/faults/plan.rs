//! What is done to the bytes of a link, decided by a seed alone.

use std::fmt;

/// What happens at one place of a byte stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A boundary: what is before and what is after do not come together.
    Split,
    /// Nothing passes until so many bytes have gathered, or no more are there.
    Coalesce(usize),
    /// Nothing passes for so many milliseconds.
    Delay(u64),
    /// So many bytes are lost.
    Drop(usize),
    /// The next byte is another, by this mask.
    Corrupt(u8),
    /// These bytes are put in.
    Insert(Vec<u8>),
    /// The stream ends, in order.
    End,
    /// The link breaks, in both directions.
    Reset,
    /// Nothing passes any more.
    Stall,
}

impl Fault {
    /// Whether what arrives is not what was sent, though nobody can tell.
    pub const fn lies(&self) -> bool {
        matches!(self, Self::Drop(_) | Self::Corrupt(_) | Self::Insert(_))
    }
}

/// From which side, as the client sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

/// Which kinds of faults there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mix {
    /// None.
    Nothing,
    /// Time and boundaries only: every call must come out as without them.
    Gentle,
    /// And links that end, break or stall: what arrives is true, but may be only a part.
    Breaking,
    /// And bytes that are lost or changed, as no TCP would.
    Lying,
}

/// The faults of a whole run, a function of the seed: the same links and bytes meet the same faults again.
#[derive(Clone, PartialEq, Eq)]
pub struct Plan(Source);

#[derive(Clone, PartialEq, Eq)]
enum Source {
    Seeded { seed: u64, mix: Mix },
    One { link: usize, direction: Direction, at: u64, fault: Fault },
}

impl fmt::Debug for Plan {
    /// As it is written, to be run again.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::Seeded { seed, mix } => write!(f, "Plan::seeded({seed}, Mix::{mix:?})"),
            Source::One { link, direction, at, fault } => {
                write!(f, "Plan::one({link}, Direction::{direction:?}, {at}, Fault::{fault:?})")
            }
        }
    }
}

impl Plan {
    /// The plan of this seed.
    pub const fn seeded(seed: u64, mix: Mix) -> Self {
        Self(Source::Seeded { seed, mix })
    }

    /// A single fault: on this link (from 0), in this direction, before the byte of this offset.
    pub const fn one(link: usize, direction: Direction, at: u64, fault: Fault) -> Self {
        Self(Source::One { link, direction, at, fault })
    }

    /// What happens to an attempt to open this link: `Delay`, `Reset` (it is refused) or `Stall`.
    pub fn connecting(&self, link: usize) -> Option<Fault> {
        let Source::Seeded { seed, mix } = self.0 else { return None };
        let mut random = Random::new(seed ^ 0xC0).skip_to(link);
        match (mix, random.below(40)) {
            (Mix::Nothing, _) => None,
            (_, 0..8) => Some(Fault::Delay(random.below(300))),
            (Mix::Breaking | Mix::Lying, 8) => Some(Fault::Reset),
            (Mix::Breaking | Mix::Lying, 9) => Some(Fault::Stall),
            _ => None,
        }
    }

    /// What happens to the bytes of this link in this direction.
    pub fn marks(&self, link: usize, direction: Direction) -> Marks {
        match &self.0 {
            Source::Seeded { seed, mix } => {
                let random = Random::new(seed ^ (direction as u64 + 1)).skip_to(link);
                let mut marks = Marks { mix: *mix, random, mean: 0, next: None };
                // Some streams are torn to shreds, some are hardly touched.
                marks.mean = [2, 20, 200, 2000][marks.random.below(4) as usize];
                marks.draw(0);
                marks
            }
            Source::One { link: on, direction: way, at, fault } => {
                let next = (*on == link && *way == direction).then(|| (*at, fault.clone()));
                Marks { mix: Mix::Nothing, random: Random::new(0), mean: 0, next }
            }
        }
    }
}

/// The faults of one direction of one link, in order.
#[derive(Clone, Debug)]
pub struct Marks {
    mix: Mix,
    random: Random,
    mean: u64,
    next: Option<(u64, Fault)>,
}

impl Marks {
    /// How many bytes pass before the next fault, `offset` being behind them already.
    pub fn distance(&self, offset: u64) -> u64 {
        self.next.as_ref().map_or(u64::MAX, |(at, _)| at.saturating_sub(offset))
    }

    /// The next fault, to be done before the byte at `offset`.
    pub fn take(&mut self, offset: u64) -> Option<Fault> {
        let fault = self.next.take()?.1;
        self.draw(offset + 1);
        Some(fault)
    }

    fn draw(&mut self, from: u64) {
        let random = &mut self.random;
        let kinds = match self.mix {
            Mix::Nothing => return,
            Mix::Gentle => 20,
            Mix::Breaking => 23,
            Mix::Lying => 26,
        };
        let at = from + random.below(2 * self.mean);
        let fault = match random.below(kinds) {
            0..12 => Fault::Split,
            12..17 => Fault::Coalesce(1 + random.below(3000) as usize),
            17..20 => Fault::Delay(random.below(40)),
            20 => Fault::Reset,
            21 => Fault::End,
            22 => Fault::Stall,
            23 => {
                let scale = random.below(7);
                Fault::Drop(1 + random.below(1 << scale) as usize)
            }
            _ => Fault::Corrupt(1 << random.below(8)),
        };
        self.next = Some((at, fault));
    }
}

/// SplitMix64: small, and good enough to roam.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The sequence of this seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A sequence of its own for the `n`th.
    fn skip_to(mut self, n: usize) -> Self {
        self.0 = self.word() ^ (n as u64).wrapping_mul(0xD134_2543_DE82_EF95);
        self
    }

    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.word() % bound
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(seed: u64, mix: Mix, link: usize, direction: Direction) -> Vec<(u64, Fault)> {
        let mut marks = Plan::seeded(seed, mix).marks(link, direction);
        let mut offset = 0;
        (0..50)
            .map_while(|_| {
                offset += marks.distance(offset);
                marks.take(offset).map(|fault| (offset, fault))
            })
            .collect()
    }

    #[test]
    fn a_seed_is_a_plan_and_another_seed_link_or_direction_another() {
        let one = faults(7, Mix::Lying, 0, Direction::Up);
        assert_eq!(one.len(), 50);
        assert_eq!(one, faults(7, Mix::Lying, 0, Direction::Up));
        assert_ne!(one, faults(8, Mix::Lying, 0, Direction::Up));
        assert_ne!(one, faults(7, Mix::Lying, 1, Direction::Up));
        assert_ne!(one, faults(7, Mix::Lying, 0, Direction::Down));
    }

    #[test]
    fn each_mix_keeps_to_its_kinds() {
        let all = |mix| (0..50).flat_map(move |seed| faults(seed, mix, 0, Direction::Down)).map(|(_, fault)| fault);
        let breaks = |fault: &Fault| matches!(fault, Fault::End | Fault::Reset | Fault::Stall);
        assert!(faults(1, Mix::Nothing, 0, Direction::Up).is_empty());
        assert!(all(Mix::Gentle).all(|fault| !breaks(&fault) && !fault.lies()));
        assert!(all(Mix::Breaking).any(|fault| breaks(&fault)) && all(Mix::Breaking).all(|fault| !fault.lies()));
        assert!(all(Mix::Lying).any(|fault| breaks(&fault)) && all(Mix::Lying).any(|fault| fault.lies()));
    }
}
