//! Loops that take turns, so that a neighbour's load falls on all of them.

use std::time::Instant;

/// Something that can be done `count` times; tells how many seconds that took.
pub(crate) type Work<'a> = dyn FnMut(u64) -> f64 + 'a;

/// How long and how often.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    /// Seconds of one turn.
    pub(crate) turn: f64,
    pub(crate) rounds: usize,
    /// Rounds where one call alone takes longer than a turn by far.
    pub(crate) long_rounds: usize,
}

/// Seconds a call: a row for every competitor, a column for every round.
pub(crate) fn compete(effort: Effort, works: &mut [&mut Work<'_>]) -> Vec<Vec<f64>> {
    let counts: Vec<u64> = works.iter_mut().map(|work| count_for(effort.turn, work)).collect();
    let longest = counts.iter().all(|&count| count == 1);
    let rounds = if longest { effort.long_rounds } else { effort.rounds };
    let mut times = vec![Vec::with_capacity(rounds); works.len()];
    for round in 0..rounds {
        for k in 0..works.len() {
            let who = (k + round) % works.len();
            if let (Some(work), Some(&count), Some(times)) =
                (works.get_mut(who), counts.get(who), times.get_mut(who))
            {
                times.push(work(count) / count as f64);
            }
        }
    }
    times
}

/// Calls that fill a turn.
fn count_for(turn: f64, work: &mut Work<'_>) -> u64 {
    let mut count = 1;
    loop {
        let time = work(count);
        if time >= turn {
            return count;
        }
        if time >= turn * 0.1 {
            return (count as f64 * turn / time).ceil() as u64;
        }
        count *= 4;
    }
}

/// Does `work` `count` times against the clock.
#[inline(always)]
pub(crate) fn times(count: u64, mut work: impl FnMut()) -> f64 {
    let start = Instant::now();
    for _ in 0..count {
        work();
    }
    start.elapsed().as_secs_f64()
}

/// The median of upper / lower, round by round.
pub(crate) fn ratio(upper: &[f64], lower: &[f64]) -> f64 {
    southwell_benches::median(upper.iter().zip(lower).map(|(a, b)| a / b).collect())
}

/// The middle time.
pub(crate) fn middle(times: &[f64]) -> f64 {
    southwell_benches::median(times.to_vec())
}
