//! What the tests share.

use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use southwell_std::cluster::Threads;

/// Numbers that look random, in (−1, 1).
pub(crate) fn numbers(seed: u64, count: usize) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// Runs ranks, and fails if they have not ended after a while: nobody may be left waiting.
pub(crate) fn run<R: Send + 'static>(
    size: usize,
    work: impl Fn(&Threads) -> R + Send + Sync + 'static,
) -> Vec<R> {
    let (done, ended) = channel();
    thread::spawn(move || {
        let _ = done.send(Threads::run(size, work));
    });
    ended.recv_timeout(Duration::from_secs(60)).expect("the ranks neither hang nor panic")
}

pub(crate) fn bits(x: &[f64]) -> Vec<u64> {
    x.iter().map(|x| x.to_bits()).collect()
}
