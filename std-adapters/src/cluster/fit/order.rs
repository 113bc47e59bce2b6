//! Order statistics of numbers that no rank has all of.

use crate::cluster::{Communicator, Fault};

/// Digits of a number, and what a digit can be.
const DIGITS: u32 = 8;
const CHOICES: usize = 1 << DIGITS;

/// The median of sizes (not negative) over all ranks, the mean of the middle two of an even number, 0 of none; how many there are.
/// NaN is passed over.
///
/// Cost: nine gathers of 256 numbers a rank, eight readings, and a reduction. Found exactly, whatever the number of ranks: the bits of
/// numbers that are not negative have their order, and are found digit by digit by counting.
pub(super) fn median<C: Communicator + ?Sized>(
    communicator: &C,
    sizes: impl Iterator<Item = f64> + Clone,
) -> Result<(f64, usize), Fault> {
    let sizes = sizes.filter(|size| !size.is_nan());
    let ranks = communicator.size();
    let (mut all, counts) = (vec![0.0; CHOICES * ranks], vec![CHOICES; ranks]);
    let (mut known, mut left, mut number) = (0_u64, 0_usize, 0_usize);
    for place in (0..64 / DIGITS).rev().map(|digit| digit * DIGITS) {
        let mut mine = [0.0; CHOICES];
        // What is known are the digits above this one.
        let above = |bits: u64| bits.checked_shr(place + DIGITS).unwrap_or(0);
        for bits in sizes.clone().map(f64::to_bits).filter(|&bits| above(bits) == above(known)) {
            mine[(bits >> place) as usize % CHOICES] += 1.0;
        }
        communicator.gather(&mine, &counts, &mut all)?;
        let count = |choice: usize| all.iter().skip(choice).step_by(CHOICES).sum::<f64>() as usize;
        if place + DIGITS == 64 {
            number = (0..CHOICES).map(count).sum();
            if number == 0 {
                return Ok((0.0, 0));
            }
            left = (number - 1) / 2;
        }
        for choice in 0..CHOICES {
            let here = count(choice);
            if left < here {
                known |= (choice as u64) << place;
                break;
            }
            left -= here;
        }
    }
    let low = f64::from_bits(known);
    let upto = sizes.clone().filter(|&size| size <= low).count() as f64;
    let mut counted = vec![0.0; ranks];
    communicator.gather(&[upto], &vec![1; ranks], &mut counted)?;
    let next = sizes.filter(|&size| size > low).fold(f64::INFINITY, f64::min);
    let mut next = [-next];
    communicator.max(&mut next)?;
    let high = if counted.iter().sum::<f64>() as usize > number / 2 { low } else { -next[0] };
    Ok((0.5 * low + 0.5 * high, number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::Threads;

    #[test]
    fn agrees_with_sorting_on_any_number_of_ranks() {
        let numbers = |count: usize| (0..count).map(|k| (k * k % 37) as f64 * 0.3).collect::<Vec<f64>>();
        for count in [0, 1, 2, 5, 8, 40] {
            let mut sorted = numbers(count);
            sorted.sort_by(f64::total_cmp);
            let expected = match count {
                0 => 0.0,
                _ => 0.5 * sorted[(count - 1) / 2] + 0.5 * sorted[count / 2],
            };
            for ranks in 1..=3 {
                let found = Threads::run(ranks, move |comm: &Threads| {
                    let own: Vec<f64> = numbers(count).into_iter().skip(comm.rank()).step_by(ranks).collect();
                    median(comm, own.into_iter().chain([f64::NAN])).expect("no fault")
                });
                assert!(
                    found.iter().all(|&found| found == (expected, count)),
                    "{found:?} {expected} {count}"
                );
            }
        }
    }
}
